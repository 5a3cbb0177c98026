"""Detect the encoding of a text file, mark guesses as such, and reject binary files."""

import codecs
import difflib
import encodings
import pkgutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from encodings.aliases import aliases
from functools import cache
from typing import BinaryIO

from charset_normalizer import from_bytes

from charrnn.core.decoding_score import decoding_score
from charrnn.core.errors import TextError
from charrnn.core.file_signatures import reject_binary, reject_known_format

CHUNK = 1 << 18
"""Bytes per read: large enough for NumPy to be efficient, small enough for the CPU's cache."""
SAMPLE = 1 << 18
NUM_EXCERPTS = 16

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is a prefix of this one
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
LEGACY = (
    "cp932 gb18030 big5hkscs cp949 euc_jp cp1252 cp1255 cp1251 koi8_r cp1250 cp1257 cp1254 cp1253 cp1256 cp874 "
    "koi8_u iso8859_15 iso8859_2 cp866 cp850 cp852 cp437 mac_roman"
).split()
"""Encodings older than Unicode. Strict ones come first, because the first of several with equal scores is chosen."""
NON_TEXT = {"charmap", "idna", "mbcs", "oem", "punycode", "raw_unicode_escape", "undefined", "unicode_escape", "utf_7"}
"""Python codecs that decode bytes to characters, but are not used for text files."""
JAPANESE_MAIL = (b"\x1b$B", b"\x1b$@")


@dataclass(frozen=True)
class Detection:
    """An encoding and how it was detected."""

    encoding: str
    certain: bool
    """False for a guess."""
    reason: str
    """Why this encoding was chosen, as a phrase to show."""
    alternatives: tuple[str, ...] = ()
    """Other possible encodings, most likely first."""


def normalize_encoding(name: str) -> str:
    """Return the canonical name of a text encoding.

    Raises:
        TextError: There is no text encoding of this name.
    """
    with suppress(LookupError, ValueError):  # ValueError: the name contains a NUL
        codec = codecs.lookup(name)
        if codec.name.replace("-", "_") in _text_encodings():
            return codec.name
    spellings = {alias for alias, encoding in aliases.items() if encoding in _text_encodings()} | _text_encodings()
    near = difflib.get_close_matches(name.lower().replace("-", "_"), spellings, n=3)
    suggestion = f"Did you mean {' or '.join(near)}? " if near else ""
    raise TextError(
        f"Unknown text encoding {name!r}. {suggestion}Common encodings are utf-8, utf-16, cp1252, cp932 and gb18030."
    )


@cache
def _text_encodings() -> frozenset[str]:
    """Return Python's own text encodings. Codecs of installed packages are excluded: some match any name."""
    modules = {module.name for module in pkgutil.iter_modules(encodings.__path__)} - NON_TEXT - {"aliases"}
    return frozenset(name for name in modules if codecs.lookup(name)._is_text_encoding)


def detect_encoding(file: BinaryIO) -> Detection:
    """Detect a file's encoding: by byte order mark, as UTF-8, by its NUL bytes, else by statistics.

    Args:
        file: Seekable; read completely, in chunks.

    Raises:
        TextError: The file is binary, or its encoding could not be detected.
    """
    head = _at(file, 0, 1 << 16)
    reject_known_format(head)
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return Detection(encoding, True, "it starts with a byte order mark")
    if b"\0" in head and (wide := _wide_encoding(head)):
        return Detection(wide, False, "guessed from the pattern of its NUL bytes")
    wrong_at = _first_non_utf8(file)
    if wrong_at is None and any(sequence in head for sequence in JAPANESE_MAIL):
        return Detection("iso2022_jp", False, "it contains escape sequences of Japanese e-mail")
    if wrong_at is None:
        return Detection("utf-8", True, "the whole file is valid UTF-8")
    sample = _sample(file, wrong_at)
    if _is_damaged_utf8(sample):
        return Detection("utf-8", False, f"most of it is valid UTF-8; the first invalid byte is at offset {wrong_at:,}")
    return _legacy_encoding(file, sample)


def _at(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK):
        yield chunk


def _wide_encoding(head: bytes) -> str | None:
    head = head[: len(head) // 4 * 4] if len(head) > 4 else head
    for encoding in WIDE:
        text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
        odd = sum(c == "\ufffd" or (c < " " and c not in "\t\n\r\f") for c in text)
        # Decoded in the wrong byte order, ASCII becomes rare ideographs and symbols, which fit no language.
        if text and odd <= len(text) / 100 and (text.isascii() or decoding_score(text) > 0.5):
            return encoding
    return None


def _first_non_utf8(file: BinaryIO) -> int | None:
    """Return the offset of the first byte that is not UTF-8, or `None`; reject NUL bytes inside the text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, wrong_at, first_nul = 0, None, -1
    for chunk in _chunks(file):
        if first_nul < 0 and b"\0" in chunk:
            first_nul = offset + chunk.index(0)
        if first_nul >= 0 and chunk[max(0, first_nul - offset) :].strip(b"\0"):  # NULs at the very end are padding
            reject_binary(first_nul, _at(file, 0, 512))
        if wrong_at is None:
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                wrong_at = offset + len(chunk) - len(error.object) + error.start
        offset += len(chunk)
    if wrong_at is None:
        pending = decoder.getstate()[0]
        wrong_at = offset - len(pending) if pending else None
    return wrong_at


def _sample(file: BinaryIO, wrong_at: int) -> bytes:
    """Return complete lines from the whole file, without those that are plain ASCII."""
    size = file.seek(0, 2)
    length = SAMPLE // NUM_EXCERPTS
    if size <= SAMPLE:
        excerpts = [_at(file, 0, SAMPLE)]
    else:
        starts = [0, *(number * (size - length) // (NUM_EXCERPTS - 1) for number in range(1, NUM_EXCERPTS))]
        excerpts = [_whole_lines(_at(file, start, length), start) for start in starts]
        near = max(0, wrong_at - length // 2)
        excerpts.append(_whole_lines(_at(file, near, length), near))
    lines = b"".join(excerpts).splitlines(keepends=True)
    return b"".join(line for line in lines if not line.isascii())


def _whole_lines(excerpt: bytes, start: int) -> bytes:
    first = 0 if start == 0 else excerpt.find(b"\n") + 1
    last = max(excerpt.rfind(end) for end in (b"\n", b" ", b"."))  # bytes that are never part of a longer character
    return excerpt[first : last + 1] if first or start == 0 else b""


def _is_damaged_utf8(sample: bytes) -> bool:
    beyond_ascii = [c for c in sample.decode("utf-8", "replace") if c > "\x7f"]
    wrong = beyond_ascii.count("\ufffd")
    # Letters in a legacy encoding rarely form valid UTF-8 by chance.
    return len(beyond_ascii) - wrong >= 2 * max(wrong, 1)


def _legacy_encoding(file: BinaryIO, sample: bytes) -> Detection:
    matches = from_bytes(sample, cp_isolation=LEGACY, preemptive_behaviour=False, enable_fallback=False, threshold=0.4)
    scores = {
        encoding: round(decoding_score(sample.decode(encoding, "replace")) - match.chaos, 2)
        for match in matches
        for encoding in match.could_be_from_charset
        if encoding in LEGACY
    }
    ranked = sorted(scores, key=lambda encoding: (-scores[encoding], LEGACY.index(encoding)))
    fitting = [encoding for encoding in ranked if scores[encoding] > scores[ranked[0]] - 0.4]
    for encoding in fitting:
        if _decodes(file, encoding):
            others = tuple(normalize_encoding(other) for other in fitting if other != encoding)[:4]
            return Detection(normalize_encoding(encoding), False, "its letters fit a language best", others)
    raise TextError(
        "Could not detect the encoding of this text: it is neither UTF-8 nor UTF-16, and no older encoding fits. "
        "Choose its encoding (--encoding), or save it as UTF-8 in the program that created it."
    )


def _decodes(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in _chunks(file):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
