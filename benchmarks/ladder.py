"""Measure Auto on texts of increasing length: `python benchmarks/ladder.py --text FILE:CHARACTERS …`.

Each text is trained with a preset and a time budget. The best checkpoint is scored on a test split of the same source
that is held out first: the last 100,000 characters, or with `--last-tenth` the last tenth, as commonly reported for
tinyshakespeare. Lengths up to 120,000 characters use three excerpts. Each row of the table shows the median over seeds
and excerpts, the standard error from block means, and the range over seeds.

The table compares these losses with bigram and trigram models of the training text, which are static like the model,
and with xz and PPMd, which adapt to the test split, as the model does with `--adaptive`. If PEER_PYTHON names an
interpreter with PyTorch, texts of at least a megabyte are also trained with nanoGPT's CPU recipe for the same time; its
lowest loss is reported.

Minutes are wall-clock time, so the machine should be idle. `--quiet` converts them to the number of steps of an idle
machine, so that other load changes the duration but not the result. `--rows FILE` stores finished rows, and resumes an
interrupted run.
"""

import argparse
import json
import os
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from learning import lowest_transformer_loss
from peers import result_page
from peers.benchmark_texts import read_text
from peers.preset_options import preset_options
from peers.text_baselines import text_baselines
from peers.text_split import TEST_CHARACTERS, TextSplit, split_text
from peers.train_and_score import Scored, train_and_score

EXCERPTS, LONGEST_EXCERPT = 3, 120_000
"""Number of excerpts per source, and the length up to which more than one is used."""
SHORTEST_FOR_TRANSFORMER = 1_000_000
VALIDATION_STEPS = 20
"""Steps between additional validations, which show whether the training missed a better model."""


@dataclass(frozen=True)
class TextLength:
    """A source, and the number of characters of it to use."""

    source: str
    characters: int | None
    """Length of the training and validation text; `None` for everything except the test split."""

    @classmethod
    def parse(cls, argument: str) -> "TextLength":
        """Parse `FILE` or `FILE:CHARACTERS`."""
        source, _, number = argument.rpartition(":")
        return cls(source, int(number)) if source and number.isdigit() else cls(argument, None)

    @property
    def name(self) -> str:
        return Path(self.source).stem

    def splits(self, *, last_tenth: bool) -> list[TextSplit]:
        """Split the text.

        Up to `LONGEST_EXCERPT` characters, return three excerpts, or as many as fit into the source without overlap.
        """
        text = read_text(self.source)
        test = len(text) // 10 if last_tenth else min(TEST_CHARACTERS, len(text) // 3)
        characters = self.characters or len(text) - test
        if characters > LONGEST_EXCERPT:
            return [split_text(text, characters=characters, test=test)]
        count = min(EXCERPTS, (len(text) - test) // characters)
        spare = len(text) - test - characters
        starts = [spare * number // max(count - 1, 1) for number in range(count)]
        return [split_text(text, characters=characters, first=start, test=test) for start in starts]


class StoredRows:
    """Finished results by key, stored in a file of JSON lines.

    Args:
        path: The file; `None` to store nothing.
    """

    def __init__(self, path: Path | None):
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path and path.exists() else []
        self._rows = {json.dumps(row["key"]): row for row in map(json.loads, lines)}

    def __getitem__(self, key: Sequence[Any]) -> dict[str, Any] | None:
        return self._rows.get(json.dumps(list(key)))

    def add(self, key: Sequence[Any], row: Mapping[str, Any]) -> dict[str, Any]:
        """Store a result; return it with its key."""
        stored = {"key": list(key), **row}
        self._rows[json.dumps(list(key))] = stored
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(stored) + "\n")
        return stored


def measure(text: TextLength, args: argparse.Namespace, rows: StoredRows) -> list[str]:
    """Train on a text with each time budget and seed; return the rows of the table."""
    splits = text.splits(last_tenth=args.last_tenth)
    by_excerpt = [_baselines(text, number, parts, rows) for number, parts in enumerate(splits)]
    baselines = {name: statistics.mean(losses[name] for losses in by_excerpt) for name in by_excerpt[0]}
    lines = []
    for minutes in args.minutes:
        results = []
        for (number, parts), seed in product(enumerate(splits), range(1, args.seeds + 1)):
            key = [text.name, len(parts.train), number, minutes, seed, args.preset]
            row = rows[key]
            if row is None:
                options = preset_options(
                    args.preset, parts.train, minutes, fixed_steps=args.quiet, changes={"seed": seed}
                )
                scored = train_and_score(parts, options, every=VALIDATION_STEPS, adaptive=args.adaptive)
                row = rows.add(key, {"options": options, "scored": asdict(scored)})
            results.append((number, Scored(**row["scored"])))
        transformer = _transformer(text, splits[0], minutes, rows)
        lines.append(format_row(text, len(splits[0].train), minutes, results, baselines, transformer))
        print(lines[-1], flush=True)
    return lines


COLUMNS = [
    "text", "characters", "minutes", "loss", "standard error", "network alone", "range over seeds",
    "above the lowest validation loss", "seconds", "step", "bigram", "trigram", "xz",
    "adaptive loss", "PPMd", "nanoGPT",
]  # fmt: skip


def format_row(
    text: TextLength,
    characters: int,
    minutes: float,
    results: Sequence[tuple[int, Scored]],
    baselines: Mapping[str, float],
    transformer: float | None,
) -> str:
    """Return a row of the table.

    Args:
        text: The text.
        characters: Length of the training and validation text.
        minutes: Time budget.
        results: Number of the excerpt and result of each training.
        baselines: Losses of the baselines, by name.
        transformer: Loss of the transformer; `None` if it was not measured.
    """
    by_excerpt: dict[int, list[float]] = {}
    for excerpt, scored in results:
        by_excerpt.setdefault(excerpt, []).append(scored.loss)
    ranges = [max(losses) - min(losses) for losses in by_excerpt.values() if len(losses) > 1]
    trainings = [scored for _, scored in results]
    missed = max(max(0.0, scored.validation - scored.lowest) if scored.lowest else 0.0 for scored in trainings)
    cells = [
        text.name,
        f"{characters:,}",
        f"{minutes:g}",
        f"{statistics.median(scored.loss for scored in trainings):.3f}",
        f"{statistics.median(scored.error for scored in trainings):.3f}",
        f"{statistics.median(scored.network for scored in trainings):.3f}",
        f"{max(ranges):.3f}" if ranges else "one seed",
        f"{missed:.3f}",
        f"{statistics.median(scored.seconds for scored in trainings):.0f}",
        f"{statistics.median(scored.step for scored in trainings):,.0f}",
        *(f"{baselines[name]:.3f}" for name in ("bigram", "trigram", "xz")),
        f"{statistics.median(adaptive):.3f}"
        if (adaptive := _measured(scored.adaptive for scored in trainings))
        else "",
        f"{baselines['ppmd']:.3f}",
        "" if transformer is None else f"{transformer:.3f}",
    ]
    return " | ".join(cells)


def _measured(losses: Iterable[float | None]) -> list[float]:
    return [loss for loss in losses if loss is not None]


def _baselines(text: TextLength, number: int, parts: TextSplit, rows: StoredRows) -> dict[str, float]:
    key = [text.name, len(parts.train), number, "baselines"]
    row = rows[key] or rows.add(key, {"baselines": asdict(text_baselines(parts))})
    return row["baselines"]


def _transformer(text: TextLength, parts: TextSplit, minutes: float, rows: StoredRows) -> float | None:
    """Return the lowest loss of nanoGPT's recipe on the last tenth of a text.

    For a text of a megabyte, the last tenth is about as long as the test split.

    Returns:
        Nats per character; `None` without PyTorch, for short texts, or if no validation was completed in time.
    """
    torch = os.environ.get("PEER_PYTHON")
    if not torch or len(parts.train) < SHORTEST_FOR_TRANSFORMER:
        return None
    key = [text.name, len(parts.train), minutes, "transformer"]
    row = rows[key]
    if row is None:
        with TemporaryDirectory() as folder:
            file = Path(folder, "text.txt")
            file.write_text(parts.train + parts.test, "utf-8")
            lowest = lowest_transformer_loss(file, torch, seconds=60 * minutes)
        row = rows.add(key, {"transformer": lowest})
    loss: float | None = row["transformer"]
    return loss


def main() -> None:
    """Measure all texts, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--text", action="append", default=None, help="FILE[:CHARACTERS] or EXAMPLE[:CHARACTERS]; can be repeated"
    )
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--preset", default="auto", help="a preset with a time budget")
    parser.add_argument("--last-tenth", action="store_true", help="score the last tenth instead of 100,000 characters")
    parser.add_argument(
        "--quiet", action="store_true", help="train for the number of steps of an idle machine, not by the clock"
    )
    parser.add_argument(
        "--adaptive", action="store_true", help="also score a model that continues to learn, to compare it with PPMd"
    )
    parser.add_argument("--rows", type=Path)
    result_page.add_option(parser)
    args = parser.parse_args()
    rows = StoredRows(args.rows)
    lines = [" | ".join(COLUMNS), " | ".join(["---"] * len(COLUMNS))]
    print(*lines, sep="\n", flush=True)
    for argument in args.text or ["python:20000", "python:120000"]:
        lines += measure(TextLength.parse(argument), args, rows)
    if args.write:
        plotted: dict[str, dict[str, tuple[float, float, float]]] = {}
        for row in lines[2:]:
            cells = dict(zip(COLUMNS, row.split(" | "), strict=True))
            label = f"{cells['text']}, {cells['characters']}, {cells['minutes']} min"
            plotted[label] = {name: result_page.exact(float(cells[name])) for name in ("loss", "trigram", "PPMd")}
        plot = result_page.bars(plotted, "nats per character")
        result_page.write("ladder", f"Loss by length of the text: {args.preset}", lines, plot)


if __name__ == "__main__":
    main()
