"""Print tables, JSON and lines. Control characters in stored text are escaped on terminals."""

import json
import re
import sys
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

FULL_WIDTH = 100_000
"""Width in characters of output to files and pipes, which is never truncated."""

_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"  # the last two ranges change the text direction
_IN_A_LINE = re.compile(f"[{_CONTROL}\ud800-\udfff]")
_IN_LINES = re.compile(f"(?![\n\t])[{_CONTROL}\ud800-\udfff]")
_NOT_ESCAPED_BY_JSON = re.compile(f"(?![\n])[{_CONTROL}]")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Re-raise, because rich would exit here without closing open files."""
        raise


def console(stream: TextIO | None = None) -> Console:
    """Return a new console for a stream; default: the current standard output, which tests and notebooks replace."""
    stream = stream or sys.stdout
    width = None if stream.isatty() else FULL_WIDTH
    return _Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def visible(text: str, *, lines: bool = False) -> str:
    """Escape control characters and bidirectional overrides as `\\x1b` or `\\u202e`.

    Args:
        text: Any text.
        lines: Whether to keep line breaks and tabs.
    """
    return (_IN_LINES if lines else _IN_A_LINE).sub(lambda match: _escaped(match[0]), text)


def for_stream(text: str, stream: TextIO) -> str:
    """Return a text unchanged for a file or pipe, or `visible` for a terminal."""
    return visible(text, lines=True) if stream.isatty() else text


def echo(text: str) -> None:
    """Print a line to standard output and flush it."""
    print(for_stream(text, sys.stdout), flush=True)


def notice(text: str) -> None:
    """Print a message to standard error."""
    print(for_stream(text, sys.stderr), file=sys.stderr, flush=True)


def hint(text: str) -> None:
    """Print a dim message to standard error if it is a terminal."""
    if sys.stderr.isatty():
        console(sys.stderr).print(Text(visible(text), "dim"))


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, right: Container[str] = ()) -> None:
    """Print a table. Long cells wrap on a terminal.

    Args:
        headers: Names of the columns.
        rows: Cells; untrusted text.
        right: Names of right-aligned columns.
    """
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for header in headers:
        table.add_column(header, justify="right" if header in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    _print_table(table)


def print_facts(facts: Mapping[str, str]) -> None:
    """Print one line per fact; omit empty facts."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, fact in facts.items():
        if fact:
            table.add_row(name, Text(visible(fact, lines=True)))
    _print_table(table)


def _print_table(table: Table) -> None:
    screen = console()
    with screen.capture() as captured:
        screen.print(table)
    # Rich pads the last column with spaces.
    print("\n".join(line.rstrip() for line in captured.get().splitlines()), flush=True)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON."""
    print(as_json(value, indent=indent), flush=True)


def as_json(value: Any, *, indent: int | None = 2) -> str:
    """Serialize a value as JSON: records become objects, times ISO 8601 in UTC."""
    text = json.dumps(value, default=_plain, ensure_ascii=False, indent=indent)
    return _NOT_ESCAPED_BY_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    raise TypeError(f"Cannot serialize {type(value).__name__} as JSON")


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
