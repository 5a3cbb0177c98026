"""Column types that hold the same on SQLite, MySQL and MariaDB, and what is done to values that cannot be held."""

import math
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import DateTime, Dialect, String, Text, TypeDecorator
from sqlalchemy.dialects import mysql

from charrnn.core.errors import OptionError

LONGEST_TEXT = 1_000_000
"""Characters that one text may have: 4 MB in UTF-8, a quarter of what MariaDB accepts in one statement."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable_text(text: str) -> str:
    """Make a text that every database can hold.

    A NUL becomes U+2400, because SQLite's own tools end a text there. A lone surrogate cannot be encoded and becomes
    U+FFFD. Of a longer text the first `LONGEST_TEXT` characters are kept, and a note says how many were cut.
    """
    if len(text) > LONGEST_TEXT:
        text = f"{text[:LONGEST_TEXT]}… ({len(text) - LONGEST_TEXT:,} more characters were cut)"
    if text.isascii() and "\0" not in text:
        return text
    return _UNSTORABLE.sub(lambda found: "␀" if found[0] == "\0" else "\ufffd", text)


def storable_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Make a JSON object that every database can hold.

    Args:
        values: Names and JSON values; text in them is treated by `storable_text`.

    Raises:
        OptionError: A number is NaN or infinite; JSON has no such numbers.
        TypeError: A value is nothing that JSON knows.
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
                problems[name] = f"{name} is {value}, which is not a number that can be stored. Give a finite number."
            return value
        case list() | tuple():
            return [_storable(item, name, problems) for item in value]
        case Mapping():
            return {storable_text(key): _storable(item, name, problems) for key, item in value.items()}
        case _:
            raise TypeError(f"{name} holds a {type(value).__name__}, which is not a JSON value")


class StoredText(TypeDecorator[str]):
    """A text of any length up to `LONGEST_TEXT`; MySQL's plain TEXT would end at 64 KiB."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(mysql.MEDIUMTEXT() if dialect.name == "mysql" else Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable_text(value)


class StoredName(TypeDecorator[str]):
    """A short text that can be part of an index."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable_text(value)


MOMENT = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
"""Naive UTC; MySQL's plain DATETIME would drop the fraction of a second."""
