"""Write the history of a model for an export.

A long history is shortened to the limits of an import, and the last log lines state what was omitted.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from itertools import chain, groupby

from charrnn.core.records import LogLine, Metric, Sample
from charrnn.services.bundle_history_reader import (
    LOG,
    MAX_COUNTS,
    MAX_ROW_LENGTH,
    MAX_TEXT_BYTES,
    METRICS,
    SAMPLES,
    count_items,
)

Part = tuple[bytes, str]
"""Content of a file, and a note on what was omitted, empty if nothing was."""


def log_part(lines: Sequence[LogLine], notes: Sequence[str]) -> bytes:
    """Write log lines, followed by notes on the other files; omit the earliest lines if there are too many.

    Args:
        lines: The newest lines, in order of their positions.
        notes: What was omitted from the other files; never omitted themselves.
    """
    texts = [line.text + "\n" for line in lines]
    max_bytes = MAX_TEXT_BYTES[LOG] - 1_000 - sum(len(note.encode()) + 1 for note in notes)
    max_lines = MAX_COUNTS["lines"] - 1 - len(notes)
    kept = _newest_that_fit([text.encode() for text in texts], max_bytes, max_lines, b"\n")
    num_omitted = lines[-len(kept)].position - 1 if kept else (lines[-1].position if lines else 0)
    own_note = [f"{num_omitted:,} earlier log lines were omitted from this file."] if num_omitted else []
    return b"".join([*kept, *(f"{note}\n".encode() for note in [*notes, *own_note])])


def metrics_csv(metrics: Iterable[Metric]) -> str:
    """Write metrics as CSV: one row per step, one column per name, empty where nothing was measured."""
    steps: dict[int, dict[str, float]] = {}
    for metric in metrics:
        steps.setdefault(metric.step, {})[metric.name] = metric.value
    names = sorted({name for values in steps.values() for name in values})
    text = io.StringIO()
    writer = csv.DictWriter(text, ["step", *names], lineterminator="\n")
    writer.writeheader()
    writer.writerows({"step": step, **values} for step, values in sorted(steps.items()))
    return text.getvalue()


def metrics_part(metrics: Iterable[Metric]) -> Part:
    """Write metrics as CSV.

    If there are too many, thin the curves evenly, the longest ones first. Each keeps its first and last value.
    """
    values = list(metrics)
    curves, total = _curves(values), len(values)
    max_length = max(map(len, curves.values()), default=0)
    while True:
        thinned = {name: _thinned(curve, max_length) for name, curve in curves.items()}
        num_kept = sum(map(len, thinned.values()))
        if num_kept < MAX_COUNTS["values"]:
            data = metrics_csv(chain.from_iterable(thinned.values())).encode()
            if len(data) <= MAX_TEXT_BYTES[METRICS] and data.count(b"\n") <= MAX_COUNTS["rows"]:
                break
        max_length = max_length * 3 // 4
    note = f"Curves were thinned: this file contains {num_kept:,} of {total:,} measured values."
    return data, note if num_kept < total else ""


def samples_part(samples: Sequence[Sample]) -> Part:
    """Write samples as JSON; omit the earliest if there are too many."""
    entries = [
        json.dumps(
            {"step": sample.step, "text": sample.text, "options": dict(sample.options)}, ensure_ascii=False
        ).encode()
        for sample in samples
    ]
    kept = _newest_that_fit([entry + b",\n" for entry in entries], MAX_TEXT_BYTES[SAMPLES] - 4, MAX_COUNTS["samples"])
    while kept and sum(map(count_items, kept)) >= MAX_COUNTS["items"]:
        kept = kept[len(kept) // 4 + 1 :]
    num_omitted = len(entries) - len(kept)
    note = f"{num_omitted:,} earlier samples were omitted from this file." if num_omitted else ""
    return b"[" + b"".join(kept).removesuffix(b",\n") + b"]", note


def _newest_that_fit(entries: list[bytes], max_bytes: int, max_count: int, delimiter: bytes = b"") -> list[bytes]:
    """Return as many of the last entries as the limits allow.

    Args:
        entries: The entries.
        max_bytes: Maximum total size in bytes.
        max_count: Maximum number of delimiters, or of entries if there is no delimiter.
        delimiter: Byte string to count in the entries.
    """
    first = len(entries)
    while first:
        entry = entries[first - 1]
        max_bytes -= len(entry)
        max_count -= entry.count(delimiter) if delimiter else 1
        if max_bytes < 0 or max_count < 0:
            break
        first -= 1
    return entries[first:]


def _curves(metrics: Iterable[Metric]) -> dict[str, list[Metric]]:
    by_name = sorted(metrics, key=lambda metric: metric.name)  # stable: steps stay in order
    # An import limits the length of a row, and hundreds of names would exceed it.
    curves, row_length = {}, len("step")
    for name, curve in groupby(by_name, lambda metric: metric.name):
        row_length += max(len(name), 26) + 3
        if row_length > MAX_ROW_LENGTH:
            break
        curves[name] = list(curve)
    return curves


def _thinned(curve: list[Metric], max_length: int) -> list[Metric]:
    if len(curve) <= max_length:
        return curve
    if max_length < 2:
        return curve[-1:]
    return [curve[index * (len(curve) - 1) // (max_length - 1)] for index in range(max_length)]
