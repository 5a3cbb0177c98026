"""Write a model's history into an export: all of it, or as much of it as an import takes, with a line that says so."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from itertools import chain, groupby

from charrnn.core.records import LogLine, Metric, Sample
from charrnn.services.bundle_history import LARGEST_TEXTS, LOG, METRICS, MOST, SAMPLES, WIDEST, count_items

Part = tuple[bytes, str]
"""What is written, and a sentence about what was left out; empty if nothing was."""


def log_part(lines: Sequence[LogLine], more: Sequence[str]) -> bytes:
    """Write log lines, then sentences about the other parts; the earliest lines are left out if there are too many.

    Args:
        lines: The newest, in order of their positions; at most one more than an import takes is looked at.
        more: Sentences, which always stay.
    """
    texts = [line.text + "\n" for line in lines]
    room = LARGEST_TEXTS[LOG] - 1_000 - sum(len(line.encode()) + 1 for line in more)
    kept = _newest_that_fit([text.encode() for text in texts], room, MOST["lines"] - 1 - len(more), b"\n")
    missing = lines[-len(kept)].position - 1 if kept else (lines[-1].position if lines else 0)
    ends = [f"{missing:,} earlier log lines were left out of this file."] if missing else []
    return b"".join([*kept, *(f"{line}\n".encode() for line in [*more, *ends])])


def metrics_csv(metrics: Iterable[Metric]) -> str:
    """Write measured values as CSV: one row a step, one column a name, empty where nothing was measured."""
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
    """Write measured values as CSV.

    If there are too many, curves are thinned evenly, the longest ones first; first and last value of each stay.
    """
    values = list(metrics)
    curves, total = _curves(values), len(values)
    longest = max(map(len, curves.values()), default=0)
    while True:
        thinned = {name: _thinned(curve, longest) for name, curve in curves.items()}
        left = sum(map(len, thinned.values()))
        if left < MOST["values"]:
            data = metrics_csv(chain.from_iterable(thinned.values())).encode()
            if len(data) <= LARGEST_TEXTS[METRICS] and data.count(b"\n") <= MOST["rows"]:
                break
        longest = longest * 3 // 4
    return data, f"Curves were thinned: this file holds {left:,} of {total:,} measured values." if left < total else ""


def samples_part(samples: Sequence[Sample]) -> Part:
    """Write samples as JSON; the earliest are left out if there are too many."""
    written = [
        json.dumps({"step": each.step, "text": each.text, "options": dict(each.options)}, ensure_ascii=False).encode()
        for each in samples
    ]
    kept = _newest_that_fit([each + b",\n" for each in written], LARGEST_TEXTS[SAMPLES] - 4, MOST["samples"])
    while kept and sum(map(count_items, kept)) >= MOST["items"]:
        kept = kept[len(kept) // 4 + 1 :]
    missing = len(written) - len(kept)
    words = f"{missing:,} earlier samples were left out of this file." if missing else ""
    return b"[" + b"".join(kept).removesuffix(b",\n") + b"]", words


def _newest_that_fit(entries: list[bytes], room: int, most: int, counted: bytes = b"") -> list[bytes]:
    """Return as many of the last entries as fit into bytes and a number: of entries, or of `counted` signs in them."""
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
    # names that fill a row would make it wider than an import takes; nobody measures hundreds of values
    names, width = {}, len("step")
    for name, curve in groupby(by_name, lambda metric: metric.name):
        width += max(len(name), 26) + 3
        if width > WIDEST:
            break
        names[name] = list(curve)
    return names


def _thinned(curve: list[Metric], most: int) -> list[Metric]:
    if len(curve) <= most:
        return curve
    if most < 2:
        return curve[-1:]
    return [curve[index * (len(curve) - 1) // (most - 1)] for index in range(most)]
