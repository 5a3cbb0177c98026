"""Read the log and the metrics of an exported model, with limits on size and number of entries.

Exports are shortened to these limits (`charrnn/services/bundle_history_writer.py`).
"""

import csv
import io
from array import array
from collections.abc import Iterator, Sequence
from typing import overload

from charrnn.core.checkpoint_manifest import MANIFEST
from charrnn.core.errors import BundleError
from charrnn.core.records import Metric

DESCRIPTION, LOG, METRICS, SAMPLES = "model.json", "log.txt", "metrics.csv", "samples.json"
MAX_STEP = 2**62
MAX_TEXT_BYTES = {
    DESCRIPTION: 1_000_000,
    f"checkpoint/{MANIFEST}": 8_000_000,
    LOG: 16_000_000,
    METRICS: 32_000_000,
    SAMPLES: 16_000_000,
}
"""Maximum unpacked size of each text file, in bytes."""
MAX_COUNTS = {"lines": 200_000, "rows": 1_000_000, "values": 1_000_000, "samples": 10_000, "items": 1_000_000}
"""Maximum number of entries in each file. An entry can take a hundred times its size in memory, so they are counted
before they are parsed."""
MAX_ROW_LENGTH = 65_536
"""Maximum length of a row of metrics, in characters."""


class PackedMetrics(Sequence[Metric]):
    """A sequence of metrics that takes 18 bytes per value.

    Args:
        names: Names of the columns; the first one is `step`.
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
            return [self[position] for position in range(*index.indices(len(self)))]
        return Metric(self._steps[index], self._names[self._columns[index]], self._values[index])


def read_log(data: bytes) -> list[str]:
    """Return the lines of a log.

    Raises:
        BundleError: There are too many lines.
        ValueError: The log is not valid UTF-8.
    """
    check_count(LOG, "lines", data.count(b"\n"))
    return [line.removesuffix("\n") for line in _decoded_lines(data, None)]


def read_metrics(data: bytes) -> PackedMetrics:
    """Parse a file written by `bundle_history_writer.metrics_part`.

    Raises:
        BundleError: There are too many values.
        ValueError: The file was not written by an export.
    """
    check_count(METRICS, "rows", data.count(b"\n"))
    rows = csv.reader(_decoded_lines(data, MAX_ROW_LENGTH))
    names = next(rows, [])
    if not names or names[0] != "step" or any(len(name) > 64 for name in names):
        raise ValueError(f"{METRICS} has invalid column names")
    metrics = PackedMetrics(names)
    for row in rows:
        step = int(row[0]) if row else -1
        if not 0 <= step <= MAX_STEP or len(row) != len(names):
            raise ValueError(f"{METRICS} has an invalid row")
        for column, value in enumerate(row[1:], 1):
            if value:
                metrics.add(step, column, float(value))
        check_count(METRICS, "values", len(metrics))
    return metrics


def _decoded_lines(data: bytes, max_length: int | None) -> Iterator[str]:
    """Decode line by line, so that memory never holds a second copy of the text."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="\n")
    while line := text.readline(-1 if max_length is None else max_length + 1):
        if max_length is not None and len(line) > max_length:
            raise BundleError(f"{METRICS} in the file has a row of more than {max_length:,} characters.")
        yield line


def count_items(data: bytes) -> int:
    """Return an upper bound on the number of items in a JSON text; brackets and commas in strings count, too."""
    return sum(data.count(character) for character in (b"[", b"{", b","))


def check_count(part: str, unit: str, count: int) -> None:
    """Check the number of entries in a file against `MAX_COUNTS`.

    Raises:
        BundleError: There are too many.
    """
    if count > MAX_COUNTS[unit]:
        raise BundleError(f"{part!r} in the file has {count:,} {unit}; the maximum is {MAX_COUNTS[unit]:,}.")
