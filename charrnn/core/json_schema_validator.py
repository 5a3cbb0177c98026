"""Create JSON schema validators without the slow imports of jsonschema."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_SLOW = "rfc3987_syntax"
"""Package that builds dozens of grammars on import, to validate IRIs, which no schema of this project uses. jsonschema
imports it if it is installed, and Jupyter installs it."""


def validator(schema: Mapping[str, Any]) -> "Draft202012Validator":
    """Return a validator for a schema."""
    return _validator_class()(schema)


@cache
def _validator_class() -> "type[Draft202012Validator]":
    # Imported on first use, because most commands validate nothing.
    with _import_blocked(_SLOW):
        from jsonschema import Draft202012Validator

    return Draft202012Validator


@contextmanager
def _import_blocked(module: str) -> Iterator[None]:
    """Make the import of a module fail within the block, unless it was imported before."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # makes its import fail
    try:
        yield
    finally:
        sys.modules.pop(module, None)  # another thread may have removed it
