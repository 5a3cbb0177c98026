"""What came of one promise, and the table of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the table."""

    promise: str
    times: int
    """How often it was put to the test."""
    came: str
    needed: str
    reached: bool
    database: str = ""
    """The kind of database that it was put to the test on."""


def table(findings: Sequence[Finding]) -> str:
    """Lay findings out in columns."""
    head = ("promise", "database", "times", "came", "needed", "")
    rows = [head]
    rows += [
        (f.promise, f.database, f"{f.times:,}", f.came, f.needed, "reached" if f.reached else "MISSED")
        for f in findings
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def all_held(promise: str, held: Sequence[bool], needed: str = "all") -> Finding:
    """Make the finding of a promise that must hold each time."""
    return Finding(promise, len(held), f"{sum(held):,}", needed, bool(held) and all(held))
