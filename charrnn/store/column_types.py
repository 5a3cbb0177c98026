"""Define column types that behave the same on SQLite, MySQL and MariaDB, and replace values that cannot be stored."""

import math
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import DateTime, Dialect, String, Text, TypeDecorator
from sqlalchemy.dialects import mysql

from charrnn.core.errors import OptionError

MAX_TEXT_LENGTH = 1_000_000
"""Maximum length of a stored text in characters: up to 4 MB in UTF-8, a quarter of MariaDB's limit per statement."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable_text(text: str) -> str:
    """Replace characters that some databases cannot store, and cut the text to `MAX_TEXT_LENGTH` characters.

    NUL becomes U+2400, because SQLite's tools truncate texts at NUL. Lone surrogates, which cannot be encoded, become
    U+FFFD. A note at the end of a cut text gives the number of characters that were cut.
    """
    if len(text) > MAX_TEXT_LENGTH:
        text = f"{text[:MAX_TEXT_LENGTH]}… ({len(text) - MAX_TEXT_LENGTH:,} more characters were cut)"
    if text.isascii() and "\0" not in text:
        return text
    return _UNSTORABLE.sub(lambda found: "␀" if found[0] == "\0" else "\ufffd", text)


def storable_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Apply `storable_text` to all strings in a JSON object.

    Args:
        values: JSON values by name.

    Raises:
        OptionError: A number is NaN or infinite, which JSON cannot represent.
        TypeError: A value is not a JSON value.
    """
    problems: dict[str, str] = {}
    stored = {storable_text(name): _storable(value, name, problems) for name, value in values.items()}
    if problems:
        raise OptionError(problems)
    return stored


def _storable(value: Any, name: str, problems: dict[str, str]) -> Any:
    match value:
        case str():
            return storable_text(value)
        case None | bool() | int():
            return value
        case float():
            if not math.isfinite(value):
                problems[name] = f"{name} is {value}, but only finite numbers can be stored. Use a finite number."
            return value
        case list() | tuple():
            return [_storable(item, name, problems) for item in value]
        case Mapping():
            return {storable_text(key): _storable(item, name, problems) for key, item in value.items()}
        case _:
            raise TypeError(f"{name} contains a {type(value).__name__}, which is not a JSON value")


class StoredText(TypeDecorator[str]):
    """A text of up to `MAX_TEXT_LENGTH` characters; MySQL limits its plain TEXT to 64 KiB."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(mysql.MEDIUMTEXT() if dialect.name == "mysql" else Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable_text(value)


class StoredName(TypeDecorator[str]):
    """A short text that can be indexed."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable_text(value)


TIMESTAMP = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
"""Naive UTC; MySQL's plain DATETIME would drop fractions of a second."""
