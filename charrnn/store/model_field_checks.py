"""Validate the names, owners, notes and tags of models."""

import re
import unicodedata
from collections.abc import Iterable

from charrnn.core.errors import OptionError
from charrnn.core.records import MAX_NAME_LENGTH, MAX_NOTES_LENGTH

MAX_TAG_LENGTH = 50
MAX_TAGS = 20

_ID = re.compile(r"[0-9a-fA-F]{32}")

_NOT_IN_A_LINE = {"Cc", "Cs", "Zl", "Zp"}  # control characters, lone surrogates, line and paragraph separators


def is_id(text: str) -> bool:
    """Return whether a text looks like a model's id, that is, consists of 32 hexadecimal digits."""
    return _ID.fullmatch(text.strip()) is not None


def validate_name(name: str) -> str:
    """Validate a model's name.

    Returns:
        The name without surrounding whitespace and in Unicode form NFC, so that names that look the same are equal.

    Raises:
        OptionError: The name is empty, invisible, too long, contains control characters, or looks like an id.
    """
    line = _line(name, "name", MAX_NAME_LENGTH)
    if is_id(line):
        raise OptionError(
            {"name": f"The name {line!r} looks like a model's id, 32 hexadecimal digits. Add a word to it."}
        )
    return line


def validate_owner(owner: str) -> str:
    """Validate an owner, which must be exactly the user's login name; empty means no owner.

    Raises:
        OptionError: The owner is blank, too long, or contains control characters.
    """
    if owner:
        _line(owner, "owner", MAX_NAME_LENGTH)
    return owner


def validate_notes(notes: str) -> str:
    """Validate a model's notes, which may contain line breaks.

    Raises:
        OptionError: The notes are too long.
    """
    if len(notes) > MAX_NOTES_LENGTH:
        raise OptionError(
            {"notes": f"The notes have {len(notes):,} characters; at most {MAX_NOTES_LENGTH:,} fit. Shorten them."}
        )
    return notes


def validate_tags(tags: Iterable[str]) -> list[str]:
    """Validate a model's tags; duplicates are removed and the order is kept.

    Raises:
        OptionError: There are too many tags, or one is empty, invisible, too long, or contains control characters.
    """
    kept = list(dict.fromkeys(_line(tag, "tags", MAX_TAG_LENGTH) for tag in tags))
    if len(kept) > MAX_TAGS:
        raise OptionError({"tags": f"There are {len(kept)} tags; at most {MAX_TAGS} are allowed. Remove some."})
    return kept


def _line(text: str, field: str, max_length: int) -> str:
    line = unicodedata.normalize("NFC", text.strip())
    what = "tag" if field == "tags" else field
    for number, character in enumerate(line, start=1):
        if unicodedata.category(character) in _NOT_IN_A_LINE:
            raise OptionError(
                {
                    field: f"Character {number} of the {what} {line[:60]!r} is U+{ord(character):04X}, which cannot be "
                    "displayed in one line. Remove it."
                }
            )
    if all(unicodedata.category(character)[0] in "CMZ" for character in line):
        raise OptionError({field: f"The {what} is empty. Enter 1 to {max_length} characters."})
    if len(line) > max_length:
        raise OptionError(
            {field: f"The {what} {line[:30]!r}… has {len(line):,} characters; at most {max_length} fit. Shorten it."}
        )
    return line
