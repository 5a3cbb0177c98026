"""Find substitutes for a character that a vocabulary lacks: without accent, other case, plain quotes, full width."""

import unicodedata
from collections.abc import Iterator

GROUPS = (
    ("'", "’", "‘", "‛", "ʼ", "´", "`", "′"),
    ('"', "“", "”", "„", "‟", "«", "»", "″"),
    ("-", "–", "—", "‐", "‑", "‒", "―", "−"),
    ("。", "."),
    ("、", ","),
    ("ß", "ss"),
    ("ø", "o"),
    ("ł", "l"),
    ("đ", "d"),
    ("ı", "i"),
    ("æ", "ae"),
    ("œ", "oe"),
)
"""Equivalent signs that Unicode normalization does not relate, most common first."""


def fallbacks(character: str) -> Iterator[str]:
    """Yield substitutes for a character, closest first; each is one or more characters long.

    Example:
        `list(fallbacks("É"))` begins with `E`, `é`, `e`.
    """
    for form in _forms(character):
        yield form
        for other_case in (form.lower(), form.upper()):
            if other_case != form:
                yield other_case


def _forms(character: str) -> Iterator[str]:
    decomposed = unicodedata.normalize("NFKD", character)
    without_accents = "".join(c for c in decomposed if not unicodedata.combining(c))
    if without_accents != character:
        yield unicodedata.normalize("NFKC", character)
        yield without_accents
    yield character
    for group in GROUPS:
        if character.lower() in group:
            yield from (sign for sign in group if sign != character.lower())
    if "!" <= character <= "~":
        yield chr(ord(character) - 0x20 + 0xFF00)  # full width
    if character.isspace():
        yield from (" ", "\u3000", "\n")
