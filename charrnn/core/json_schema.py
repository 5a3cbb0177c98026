"""Create JSON schema validators, without the slow imports of jsonschema."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_SLOW = "rfc3987_syntax"
"""Builds dozens of grammars on import, to validate international addresses, a format that none of our schemas uses.
jsonschema imports it if it is installed, and Jupyter installs it."""


def validator(schema: Mapping[str, Any]) -> "Draft202012Validator":
    """Return a validator for a schema."""
    return _library()(schema)


@cache
def _library() -> "type[Draft202012Validator]":
    # Imported late, because most commands validate nothing.
    with _absent(_SLOW):
        from jsonschema import Draft202012Validator

    return Draft202012Validator


@contextmanager
def _absent(module: str) -> Iterator[None]:
    """Make the import of a module fail in the block, unless it is imported already."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # makes its import fail
    try:
        yield
    finally:
        sys.modules.pop(module, None)  # another thread may have removed it
