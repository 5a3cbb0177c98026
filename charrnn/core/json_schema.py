"""Checks values against JSON schemas, without a second of loading."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_SLOW = "rfc3987_syntax"
"""Builds dozens of grammars when it is imported, to check international addresses, which no schema of ours names.
jsonschema imports it wherever it is installed, and Jupyter installs it."""


def validator(schema: Mapping[str, Any]) -> "Draft202012Validator":
    """Return what checks values against a schema."""
    return _library()(schema)


@cache
def _library() -> "type[Draft202012Validator]":
    # imported late, since lists and logs need no checks
    with _absent(_SLOW):
        from jsonschema import Draft202012Validator

    return Draft202012Validator


@contextmanager
def _absent(module: str) -> Iterator[None]:
    """Have a module that nobody has imported yet not be found for a moment."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # which makes its import fail
    try:
        yield
    finally:
        sys.modules.pop(module, None)  # another thread may have done so
