"""Measure how the time per character scales with network, batch, vocabulary and text: `python benchmarks/scale.py`.

For each cell, one size is the reference; the others take turns with it, and ratios are those of neighboring turns.
`work` is the ratio of floating-point operations per character.

    --text 1000    also train on a text of 1,000 megabytes and on a small one: seconds from the start to the first step,
                   and memory
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from corpus import SENTENCES, write_text
from peers import result_page
from peers.alternating_runs import Spread, programs, race, ratio
from peers.turn_protocol import TrainingSize

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))  # the checkout, even if another version is installed

ROUNDS = 9
MAX_DELAY = 5.0
"""Maximum additional seconds until the first step for a large text."""
MAX_ADDED_MEMORY = 100_000_000
"""Maximum additional memory in bytes for a large text."""


@dataclass(frozen=True)
class Size(TrainingSize):
    """Sizes of a network and its batches."""

    @property
    def arguments(self) -> list[str]:
        """Arguments for the training program."""
        numbers = self.layers, self.units, self.batch, self.window, self.classes
        return [self.cell, *map(str, numbers), "auto"]

    @property
    def characters(self) -> int:
        """Characters per step."""
        return self.batch * self.window

    @property
    def work(self) -> int:
        """Multiplications per character."""
        matrices = {"lstm": 8, "gru": 6, "mingru": 4}[self.cell]
        return self.layers * matrices * self.units**2 + self.units * self.classes


BASES = [Size("lstm", 2, 128, 32, 50, 66), Size("mingru", 3, 256, 32, 128, 66)]
VARIED = {
    "layers": lambda base: [1, 2 * base.layers],
    "units": lambda base: [base.units // 2, 2 * base.units],
    "batch": lambda base: [base.batch // 2, 2 * base.batch],
    "window": lambda base: [base.window // 2, 2 * base.window],
    "classes": lambda base: [500, 5000],
}


def compare(base: Size) -> dict[str, tuple[Spread, float]]:
    """Print a row for each size; return the ratios of time and of work per character."""
    sizes = {
        f"{name} {value}": replace(base, **{name: value}) for name, values in VARIED.items() for value in values(base)
    }
    commands = {
        name: [sys.executable, "charrnn_training.py", *size.arguments] for name, size in {"base": base, **sizes}.items()
    }
    with programs(commands) as started:
        seconds = race(started, ROUNDS)
    per_character = {
        name: [step / size.characters for step in seconds[name]] for name, size in {"base": base, **sizes}.items()
    }
    rows = {}
    for name, size in sizes.items():
        label = f"{base.cell} {base.layers} × {base.units}, {name}"
        rows[label] = ratio(per_character[name], per_character["base"]), size.work / base.work
        print(format_row(label, *rows[label]), flush=True)
    return rows


def format_row(name: str, spread: Spread, work: float) -> str:
    """Return a row of the table."""
    return f"{name} | {spread} | {work:.2f}"


CHILD = """
import json, sys, time
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from charrnn.core.training_events import MetricsMeasured
from charrnn.services import open_services

def memory(field):
    return 1024 * int(Path("/proc/self/status").read_text().partition(field)[2].split()[0])

first_steps = []
def record(event):
    if isinstance(event, MetricsMeasured):
        first_steps.append(time.perf_counter())

with open_services(sys.argv[2]) as services:
    services.prepare()
    begun = time.perf_counter()
    corpus, _ = services.corpora.add(Path(sys.argv[3]))
    services.corpora.ids(corpus.id, max_vocab=10_000)
    encoded = time.perf_counter()
    options = {"max_steps": 60, "max_val_chars": 20_000}
    model = services.training.start(corpus, preset="quick", options=options, listeners=[record])
    services.training.wait(model.id)
    print(json.dumps({"encode": encoded - begun, "start": first_steps[0] - encoded, "memory": memory("RssAnon:")}))
"""


def train_on(megabytes: int) -> dict[str, Any]:
    """Train some steps on a text of the given size in a separate process; return seconds, and memory in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "text.txt")
        write_text(text, size=megabytes * 1_000_000, sentences=SENTENCES["ascii"], encoding="utf-8", newline="\n")
        command = [sys.executable, "-c", CHILD, PROJECT, Path(folder, "home"), text]
        completed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(completed.stdout.splitlines()[-1])
    return result


def compare_texts(megabytes: int) -> list[str]:
    """Compare a large text with one of 1 MB; return the lines of the table."""
    small, large = train_on(1), train_on(megabytes)
    added_memory, delay = large["memory"] - small["memory"], large["start"] - small["start"]
    lines = ["text | adding and encoding | start to first step | memory", "--- | --- | --- | ---"]
    for name, result in (("1 MB", small), (f"{megabytes:,} MB", large)):
        lines.append(f"{name} | {result['encode']:.1f} s | {result['start']:.1f} s | {result['memory'] / 1e6:.0f} MB")
    verdicts = ["reached" if holds else "MISSED" for holds in (delay <= MAX_DELAY, added_memory <= MAX_ADDED_MEMORY)]
    lines.append(f"\nStart later by {delay:.1f} s (≤ {MAX_DELAY:g}: {verdicts[0]}); ")
    lines.append(f"additional memory {added_memory / 1e6:.0f} MB (≤ {MAX_ADDED_MEMORY / 1e6:.0f}: {verdicts[1]}).")
    return lines


def main() -> None:
    """Measure all sizes, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=int, default=0, help="size of the large text in megabytes (default: none)")
    parser.add_argument("--only", default="", help="measure only cells whose names start with this")
    result_page.add_option(parser)
    args = parser.parse_args()
    lines = ["network, changed size | time per character | work", "--- | --- | ---"]
    print(*lines, sep="\n")
    rows = {}
    for base in BASES:
        if base.cell.startswith(args.only):
            rows |= compare(base)
    lines += [format_row(name, *result) for name, result in rows.items()]
    if args.text:
        text_lines = compare_texts(args.text)
        print(*text_lines, sep="\n")
        lines += ["", *text_lines]
    if args.write:
        plotted = {
            name: {"time per character": (spread.low, spread.median, spread.high), "work": result_page.exact(work)}
            for name, (spread, work) in rows.items()
        }
        plot = result_page.bars(plotted, "relative to the reference size")
        result_page.write("scale", "Scaling of the time per character", lines, plot)


if __name__ == "__main__":
    main()
