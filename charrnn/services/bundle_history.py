"""Read the log and the metrics of an exported model; what is read is counted before it takes memory.

What an export writes stays within these bounds (`charrnn/services/export_history.py`).
"""

import csv
import io
from array import array
from collections.abc import Iterator, Sequence
from typing import overload

from charrnn.core.checkpoint_manifest import MANIFEST
from charrnn.core.errors import BundleError
from charrnn.core.records import Metric

ABOUT, LOG, METRICS, SAMPLES = "model.json", "log.txt", "metrics.csv", "samples.json"
HIGHEST = 2**62
LARGEST_TEXTS = {
    ABOUT: 1_000_000,
    f"checkpoint/{MANIFEST}": 8_000_000,
    LOG: 16_000_000,
    METRICS: 32_000_000,
    SAMPLES: 16_000_000,
}
"""Bytes of each part that is text, unpacked."""
MOST = {"lines": 200_000, "rows": 1_000_000, "values": 1_000_000, "samples": 10_000, "items": 1_000_000}
"""How much each text may hold. Any of these takes a hundred times its bytes in memory, so they are counted first."""
WIDEST = 65_536
"""Characters of a row of numbers."""


class Values(Sequence[Metric]):
    """Measured values in 18 bytes each, made records one by one.

    Args:
        names: What the columns are called; the first is the step.
    """

    def __init__(self, names: Sequence[str]):
        self._names = names
        self._steps, self._columns, self._values = array("q"), array("H"), array("d")

    def add(self, step: int, column: int, value: float) -> None:
        """Append a value."""
        self._steps.append(step)
        self._columns.append(column)
        self._values.append(value)

    def __len__(self) -> int:
        return len(self._steps)

    @overload
    def __getitem__(self, index: int) -> Metric: ...
    @overload
    def __getitem__(self, index: slice) -> list[Metric]: ...
    def __getitem__(self, index: int | slice) -> Metric | list[Metric]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        return Metric(self._steps[index], self._names[self._columns[index]], self._values[index])


def read_log(data: bytes) -> list[str]:
    """Read log lines.

    Raises:
        BundleError: There are too many.
    """
    check_count(LOG, "lines", data.count(b"\n"))
    return [line.removesuffix("\n") for line in _lines(data, None)]


def read_metrics(data: bytes) -> Values:
    """Read what `export_history.metrics_part` wrote.

    Raises:
        BundleError: There are too many values.
        ValueError: It is something else.
    """
    check_count(METRICS, "rows", data.count(b"\n"))
    rows = csv.reader(_lines(data, WIDEST))
    names = next(rows, [])
    if not names or names[0] != "step" or any(len(name) > 64 for name in names):
        raise ValueError(f"{METRICS} has other columns than an export writes")
    found = Values(names)
    for row in rows:
        step = int(row[0]) if row else -1
        if not 0 <= step <= HIGHEST or len(row) != len(names):
            raise ValueError(f"{METRICS} has a row that no export writes")
        for column, value in enumerate(row[1:], 1):
            if value:
                found.add(step, column, float(value))
        check_count(METRICS, "values", len(found))
    return found


def _lines(data: bytes, widest: int | None) -> Iterator[str]:
    """Decode line by line, so that no text is in memory twice."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="\n")
    while line := text.readline(-1 if widest is None else widest + 1):
        if widest is not None and len(line) > widest:
            raise BundleError(f"In the file, {METRICS} has a row of more than {widest:,} characters.")
        yield line


def count_items(data: bytes) -> int:
    """Return at least how many objects a JSON text begins; signs within texts count, too, since this must be cheap."""
    return sum(data.count(sign) for sign in (b"[", b"{", b","))


def check_count(part: str, what: str, came: int) -> None:
    """Compare a number with `MOST`.

    Raises:
        BundleError: It is higher.
    """
    if came > MOST[what]:
        raise BundleError(f"In the file, {part!r} holds {came:,} {what}; an import takes {MOST[what]:,} at most.")
