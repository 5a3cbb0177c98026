"""Measure Auto on texts of increasing length: `python benchmarks/ladder.py --text FILE:CHARACTERS …`.

Each text is trained with a preset and a time budget. The best checkpoint is scored on a test split of the same source
that is held out first: the last 100,000 characters, or with `--last-tenth` the last tenth, as commonly reported for
tinyshakespeare. Lengths up to 120,000 characters use three excerpts. Each row of the table shows the median over seeds
and excerpts, the standard error from block means, and the range over seeds.

The table compares these losses with bigram and trigram models of the training text, which are static like the network,
and with xz and PPMd, which adapt to the test split. If PEER_PYTHON names an interpreter with PyTorch, texts of at least
a megabyte are also trained with nanoGPT's CPU recipe for the same time; its lowest loss is reported.

Minutes are wall-clock time, so the machine should be idle. `--quiet` converts them to the number of steps of an idle
machine, so that other load changes the duration but not the result. `--rows FILE` stores finished rows, and resumes an
interrupted run.
"""

import argparse
import json
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from learning import lowest_of_transformer
from peers import result_page
from peers.benchmark_options import recipe
from peers.benchmark_texts import read
from peers.scored_training import Scored, train_and_score
from peers.text_baselines import text_baselines
from peers.text_split import TEST, TextSplit, split_text

EXCERPTS, LONGEST_EXCERPT = 3, 120_000
"""Number of excerpts per source, and the length up to which more than one is used."""
SHORTEST_FOR_TRANSFORMER = 1_000_000
EXTRA = 20
"""Steps between two extra validations, which tell whether the training missed its best model."""


@dataclass(frozen=True)
class Rung:
    """A text of the ladder."""

    source: str
    characters: int | None
    """To train and validate on; all but what is scored if missing."""

    @classmethod
    def of(cls, told: str) -> "Rung":
        """Read `FILE` or `FILE:CHARACTERS`."""
        source, _, number = told.rpartition(":")
        return cls(source, int(number)) if source and number.isdigit() else cls(told, None)

    @property
    def name(self) -> str:
        return Path(self.source).stem

    def splits(self, *, last_tenth: bool) -> list[TextSplit]:
        """Split the text. Up to `LONGEST_EXCERPT` characters, return three excerpts that do not overlap, if the text is
        long enough."""
        text = read(self.source)
        test = len(text) // 10 if last_tenth else min(TEST, len(text) // 3)
        characters = self.characters or len(text) - test
        if characters > LONGEST_EXCERPT:
            return [split_text(text, characters=characters, test=test)]
        count = min(EXCERPTS, (len(text) - test) // characters)
        spare = len(text) - test - characters
        firsts = [spare * number // max(count - 1, 1) for number in range(count)]
        return [split_text(text, characters=characters, first=first, test=test) for first in firsts]


class Rows:
    """What was done, kept in a file."""

    def __init__(self, path: Path | None):
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path and path.exists() else []
        self._done = {json.dumps(row["key"]): row for row in map(json.loads, lines)}

    def __getitem__(self, key: Sequence[Any]) -> dict[str, Any] | None:
        return self._done.get(json.dumps(list(key)))

    def add(self, key: Sequence[Any], row: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a row."""
        found = {"key": list(key), **row}
        self._done[json.dumps(list(key))] = found
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")
        return found


def climb(rung: Rung, asked: argparse.Namespace, rows: Rows) -> list[str]:
    """Train on a text with all minutes and seeds; return the table's lines."""
    splits = rung.splits(last_tenth=asked.last_tenth)
    guessed = [_guessed(rung, number, parts, rows) for number, parts in enumerate(splits)]
    lines = []
    for minutes in asked.minutes:
        found = []
        for (number, parts), seed in product(enumerate(splits), range(1, asked.seeds + 1)):
            key = [rung.name, len(parts.own), number, minutes, seed, asked.preset]
            row = rows[key]
            if row is None:
                options = recipe(asked.preset, parts.own, minutes, quiet=asked.quiet, given={"seed": seed})
                scored = train_and_score(parts, options, every=EXTRA)
                row = rows.add(key, {"options": options, "scored": asdict(scored)})
            found.append((number, Scored(**row["scored"])))
        beside = {name: statistics.mean(one[name] for one in guessed) for name in guessed[0]}
        lines.append(
            line(rung, len(splits[0].own), minutes, found, beside, _transformer(splits[0], minutes, rows, rung))
        )
        print(lines[-1], flush=True)
    return lines


HEAD = [
    "text", "characters", "minutes", "loss", "standard error", "between seeds", "above the lowest passed", "seconds",
    "at step", "bigram", "trigram", "xz", "PPMd", "nanoGPT",
]  # fmt: skip


def line(
    rung: Rung,
    characters: int,
    minutes: float,
    found: Sequence[tuple[int, Scored]],
    beside: Mapping[str, float],
    transformer: float | None,
) -> str:
    """Return a line of the table."""
    by_excerpt = [[one.loss for number, one in found if number == excerpt] for excerpt in {n for n, _ in found}]
    missed = max(max(0.0, one.validation - one.lowest) if one.lowest else 0.0 for _, one in found)
    all_of = [one for _, one in found]
    told = [
        rung.name,
        f"{characters:,}",
        f"{minutes:g}",
        f"{statistics.median(one.loss for one in all_of):.3f}",
        f"{statistics.median(one.error for one in all_of):.3f}",
        f"{max(max(losses) - min(losses) for losses in by_excerpt):.3f}" if len(by_excerpt[0]) > 1 else "one seed",
        f"{missed:.3f}",
        f"{statistics.median(one.seconds for one in all_of):.0f}",
        f"{statistics.median(one.step for one in all_of):,.0f}",
        *(f"{beside[name]:.3f}" for name in ("bigram", "trigram", "xz", "ppmd")),
        "" if transformer is None else f"{transformer:.3f}",
    ]
    return " | ".join(told)


def _guessed(rung: Rung, number: int, parts: TextSplit, rows: Rows) -> dict[str, float]:
    key = [rung.name, len(parts.own), number, "baselines"]
    row = rows[key] or rows.add(key, {"baselines": asdict(text_baselines(parts))})
    return row["baselines"]


def _transformer(parts: TextSplit, minutes: float, rows: Rows, rung: Rung) -> float | None:
    """Return the lowest loss of nanoGPT's recipe on the last tenth, which is what is scored of a text of a megabyte;
    `None` where it is not measured."""
    torch = os.environ.get("PEER_PYTHON")
    if not torch or len(parts.own) < SHORTEST_FOR_TRANSFORMER:
        return None
    key = [rung.name, len(parts.own), minutes, "transformer"]
    row = rows[key]
    if row is None:
        with TemporaryDirectory() as folder:
            file = Path(folder, "text.txt")
            file.write_text(parts.own + parts.test, "utf-8")
            lowest = lowest_of_transformer(file, torch, seconds=60 * minutes)
        row = rows.add(key, {"transformer": lowest})
    found: float | None = row["transformer"]
    return found


def main() -> None:
    """Climb and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", action="append", default=None, help="FILE or example[:CHARACTERS]; may be repeated")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--preset", default="auto", help="one that knows a time budget")
    parser.add_argument("--last-tenth", action="store_true", help="score the last tenth instead of 100,000 characters")
    parser.add_argument("--quiet", action="store_true", help="steps of a quiet machine instead of minutes by the clock")
    parser.add_argument("--rows", type=Path)
    result_page.add_option(parser)
    asked = parser.parse_args()
    rows = Rows(asked.rows)
    lines = [" | ".join(HEAD), " | ".join(["---"] * len(HEAD))]
    print(*lines, sep="\n", flush=True)
    for told in asked.text or ["python:20000", "python:120000"]:
        lines += climb(Rung.of(told), asked, rows)
    if asked.write:
        plotted: dict[str, dict[str, tuple[float, float, float]]] = {}
        for told in lines[2:]:
            cells = dict(zip(HEAD, told.split(" | "), strict=True))
            label = f"{cells['text']}, {cells['characters']}, {cells['minutes']} min"
            plotted[label] = {name: result_page.exact(float(cells[name])) for name in ("loss", "trigram", "PPMd")}
        result_page.write(
            "ladder", f"From short texts to long ones: {asked.preset}", lines, result_page.bars(plotted, "nats")
        )


if __name__ == "__main__":
    main()
