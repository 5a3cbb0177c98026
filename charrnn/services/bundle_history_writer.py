"""Write the history of a model into an export, shortened to what an import accepts, with a log line about it."""

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
"""The content, and a sentence about what was omitted, or an empty string."""


def log_part(lines: Sequence[LogLine], more: Sequence[str]) -> bytes:
    """Write log lines and then sentences about the other parts; omit the earliest lines if there are too many.

    Args:
        lines: The newest lines, in order of their positions.
        more: Sentences, which are never omitted.
    """
    texts = [line.text + "\n" for line in lines]
    room = MAX_TEXT_BYTES[LOG] - 1_000 - sum(len(line.encode()) + 1 for line in more)
    kept = _newest_that_fit([text.encode() for text in texts], room, MAX_COUNTS["lines"] - 1 - len(more), b"\n")
    missing = lines[-len(kept)].position - 1 if kept else (lines[-1].position if lines else 0)
    ends = [f"{missing:,} earlier log lines were omitted from this file."] if missing else []
    return b"".join([*kept, *(f"{line}\n".encode() for line in [*more, *ends])])


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

    If there are too many, thin the curves evenly, the longest ones first; keep the first and last value of each.
    """
    values = list(metrics)
    curves, total = _curves(values), len(values)
    longest = max(map(len, curves.values()), default=0)
    while True:
        thinned = {name: _thinned(curve, longest) for name, curve in curves.items()}
        left = sum(map(len, thinned.values()))
        if left < MAX_COUNTS["values"]:
            data = metrics_csv(chain.from_iterable(thinned.values())).encode()
            if len(data) <= MAX_TEXT_BYTES[METRICS] and data.count(b"\n") <= MAX_COUNTS["rows"]:
                break
        longest = longest * 3 // 4
    return data, f"Curves were thinned: this file holds {left:,} of {total:,} measured values." if left < total else ""


def samples_part(samples: Sequence[Sample]) -> Part:
    """Write samples as JSON; omit the earliest if there are too many."""
    written = [
        json.dumps({"step": each.step, "text": each.text, "options": dict(each.options)}, ensure_ascii=False).encode()
        for each in samples
    ]
    kept = _newest_that_fit([each + b",\n" for each in written], MAX_TEXT_BYTES[SAMPLES] - 4, MAX_COUNTS["samples"])
    while kept and sum(map(count_items, kept)) >= MAX_COUNTS["items"]:
        kept = kept[len(kept) // 4 + 1 :]
    missing = len(written) - len(kept)
    words = f"{missing:,} earlier samples were omitted from this file." if missing else ""
    return b"[" + b"".join(kept).removesuffix(b",\n") + b"]", words


def _newest_that_fit(entries: list[bytes], room: int, most: int, counted: bytes = b"") -> list[bytes]:
    """Return as many of the last entries as fit into `room` bytes and `most` entries, or `most` `counted` bytes."""
    kept = len(entries)
    while kept:
        entry = entries[kept - 1]
        room -= len(entry)
        most -= entry.count(counted) if counted else 1
        if room < 0 or most < 0:
            break
        kept -= 1
    return entries[kept:]


def _curves(metrics: Iterable[Metric]) -> dict[str, list[Metric]]:
    by_name = sorted(metrics, key=lambda metric: metric.name)  # stable: steps stay in order
    # an import limits the width of a row, which hundreds of names would exceed
    names, width = {}, len("step")
    for name, curve in groupby(by_name, lambda metric: metric.name):
        width += max(len(name), 26) + 3
        if width > MAX_ROW_LENGTH:
            break
        names[name] = list(curve)
    return names


def _thinned(curve: list[Metric], most: int) -> list[Metric]:
    if len(curve) <= most:
        return curve
    if most < 2:
        return curve[-1:]
    return [curve[index * (len(curve) - 1) // (most - 1)] for index in range(most)]
