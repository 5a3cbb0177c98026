"""What a model may be called, and what may be written beside it. Knows no database."""

import re
import unicodedata
from collections.abc import Iterable

from charrnn.core.errors import OptionError
from charrnn.core.records import MAX_NAME_LENGTH, MAX_NOTES_LENGTH

LONGEST_TAG = 50
MOST_TAGS = 20

_ID = re.compile(r"[0-9a-fA-F]{32}")

_NOT_IN_A_LINE = {"Cc", "Cs", "Zl", "Zp"}  # control characters, lone surrogates, separators of lines and paragraphs


def is_id(text: str) -> bool:
    """Return whether a text has the form of a model's id: 32 hexadecimal digits."""
    return _ID.fullmatch(text.strip()) is not None


def checked_name(name: str) -> str:
    """Check a model's name.

    Returns:
        The name without blanks around it, and with accents composed: the same letters, typed on another machine, must
        be the same name.

    Raises:
        OptionError: It is empty, invisible, too long, has control characters, or has the form of an id.
    """
    line = _line(name, "name", MAX_NAME_LENGTH)
    if is_id(line):
        raise OptionError(
            {"name": f"The name {line!r} has the form of a model's id, 32 hexadecimal digits. Add a word to it."}
        )
    return line


def checked_owner(owner: str) -> str:
    """Check a user's name and leave it as it is, since it is compared with what they log in as; empty is nobody's.

    Raises:
        OptionError: It is blank, too long, or has control characters.
    """
    if owner:
        _line(owner, "owner", MAX_NAME_LENGTH)
    return owner


def checked_notes(notes: str) -> str:
    """Check a model's notes, which may have lines.

    Raises:
        OptionError: They are too long.
    """
    if len(notes) > MAX_NOTES_LENGTH:
        raise OptionError(
            {
                "notes": f"The notes have {len(notes):,} characters; up to {MAX_NOTES_LENGTH:,} can be kept. Shorten them."
            }
        )
    return notes


def checked_tags(tags: Iterable[str]) -> list[str]:
    """Check a model's tags; each is kept once, in the order given.

    Raises:
        OptionError: There are too many, or one is empty, invisible, too long, or has control characters.
    """
    kept = list(dict.fromkeys(_line(tag, "tags", LONGEST_TAG) for tag in tags))
    if len(kept) > MOST_TAGS:
        raise OptionError({"tags": f"There are {len(kept)} tags; a model has up to {MOST_TAGS}. Leave some out."})
    return kept


def _line(text: str, field: str, longest: int) -> str:
    line = unicodedata.normalize("NFC", text.strip())
    what = "tag" if field == "tags" else field
    for place, character in enumerate(line, start=1):
        if unicodedata.category(character) in _NOT_IN_A_LINE:
            raise OptionError(
                {
                    field: f"The {what} {line[:60]!r} has U+{ord(character):04X} as character {place}, which cannot be "
                    "shown in a line. Leave it out."
                }
            )
    if all(unicodedata.category(character)[0] in "CMZ" for character in line):
        raise OptionError({field: f"The {what} is empty. Give it 1 to {longest} characters."})
    if len(line) > longest:
        raise OptionError(
            {field: f"The {what} {line[:30]!r}… has {len(line):,} characters; up to {longest} are allowed. Shorten it."}
        )
    return line
