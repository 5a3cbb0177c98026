"""What the commands write with: tables, JSON and lines. Nothing that was stored can steer a terminal."""

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

UNCUT = 100_000
"""Width in characters where no terminal sets one: whoever reads a pipe gets everything."""

_STEERING = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"  # the last two turn the writing direction
_IN_A_LINE = re.compile(f"[{_STEERING}\ud800-\udfff]")
_IN_LINES = re.compile(f"(?![\n\t])[{_STEERING}\ud800-\udfff]")
_NOT_ESCAPED_BY_JSON = re.compile(f"(?![\n])[{_STEERING}]")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command's end; rich would exit from here, past what has to be closed."""
        raise


def console(stream: TextIO | None = None) -> Console:
    """Return a console for a stream, standard output if missing; made anew, since streams can be replaced."""
    stream = stream or sys.stdout
    width = None if stream.isatty() else UNCUT
    return _Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def visible(text: str, *, lines: bool = False) -> str:
    """Spell control characters and turns of the writing direction as `\\x1b` or `\\u202e`.

    Args:
        text: Any text.
        lines: Leave line ends and tabs as they are.
    """
    return (_IN_LINES if lines else _IN_A_LINE).sub(lambda found: _spelled(found[0]), text)


def for_stream(text: str, stream: TextIO) -> str:
    """Return a text as it is for a file or a pipe, `visible` for a terminal."""
    return visible(text, lines=True) if stream.isatty() else text


def say(text: str) -> None:
    """Print a line to standard output, at once."""
    print(for_stream(text, sys.stdout), flush=True)


def notice(text: str) -> None:
    """Print a line that is not the command's result, to standard error."""
    print(for_stream(text, sys.stderr), file=sys.stderr, flush=True)


def hint(text: str) -> None:
    """Print a quiet line to standard error where a person sees it, nothing where none does."""
    if sys.stderr.isatty():
        console(sys.stderr).print(Text(visible(text), "dim"))


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, right: Container[str] = ()) -> None:
    """Print a table; on a terminal cells are folded, elsewhere they are whole.

    Args:
        headers: Names of the columns.
        rows: Cells, as texts from anywhere.
        right: Columns set to the right, for numbers.
    """
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for header in headers:
        table.add_column(header, justify="right" if header in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    _print_table(table)


def print_facts(facts: Mapping[str, str]) -> None:
    """Print names and what they are, a line each; those that are empty are left out."""
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
    # a pipe's reader has no use for the blanks that fill the last column
    print("\n".join(line.rstrip() for line in captured.get().splitlines()), flush=True)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON."""
    print(as_json(value, indent=indent), flush=True)


def as_json(value: Any, *, indent: int | None = 2) -> str:
    """Write a value as JSON: records become objects, times ISO 8601 in UTC."""
    text = json.dumps(value, default=_plain, ensure_ascii=False, indent=indent)
    return _NOT_ESCAPED_BY_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    raise TypeError(f"no JSON for {type(value).__name__}")


def _spelled(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
