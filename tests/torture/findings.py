"""Store the result of testing one promise, and print a table of results."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One row of the table."""

    promise: str
    times: int
    """How often the promise was tested."""
    measured: str
    target: str
    is_reached: bool
    database: str = ""
    """The kind of database."""


def table(findings: Sequence[Finding]) -> str:
    """Return a table with one row per finding."""
    head = ("promise", "database", "times", "result", "target", "")
    rows = [head]
    rows += [
        (f.promise, f.database, f"{f.times:,}", f.measured, f.target, "reached" if f.is_reached else "MISSED")
        for f in findings
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def all_held(promise: str, held: Sequence[bool], target: str = "all") -> Finding:
    """Return the finding of a promise that must hold every time."""
    return Finding(promise, len(held), f"{sum(held):,}", target, bool(held) and all(held))
