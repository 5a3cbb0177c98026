"""How fast a step of training is beside PyTorch's and Keras' own: `python benchmarks/training.py`.

All do the same work: embedding, LSTM or GRU layers with dropout 0.5 behind each, cross-entropy, gradients limited by
their global norm, Adam, memory carried. Each is a process of its own, and they take turns of half a second, so that a
machine that others use too slows all of them alike; what counts is the ratio of neighbouring turns. The ratio of the
fastest turns stands beside it: it is what an idle machine would show.

Peers count in float32. This project does too in the first row of a network; in the second it counts as its option
`precision` chooses by itself: in bfloat16 where the processor has a matrix unit for that.

PyTorch is no dependency of this project: PEER_PYTHON names an interpreter that has it. `--full` measures every size
(half an hour), `--only lstm` those whose name begins so, `--write` keeps the result in results/training.md.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from peers import page
from peers.race import Spread, programs, race, ratio

CLASSES = 66
SQUARE = 1024
"""Rows and columns of the products that show the machine's peak."""
MINUTES = {"quick": 0.4, "full": 4.0}
"""After which no further round of a configuration begins."""
PRECISIONS = "float32", "auto"
NEEDED = {"PyTorch": 1.2, "Keras fit": 2.0}


@dataclass(frozen=True)
class Configuration:
    """What is trained."""

    cell: str
    layers: int
    units: int
    batch: int
    window: int

    def __str__(self) -> str:
        return f"{self.cell} {self.layers} × {self.units}, {self.batch} × {self.window}"

    @property
    def arguments(self) -> list[str]:
        """For the programs."""
        return [self.cell, *map(str, (self.layers, self.units, self.batch, self.window, CLASSES))]

    @property
    def products(self) -> float:
        """Floating point operations of a step's matrix products: forward once, backward twice."""
        gates = {"lstm": 4, "gru": 3}[self.cell]
        weights = self.layers * 2 * self.units * gates * self.units + self.units * CLASSES
        return 6.0 * weights * self.batch * self.window


SIZES = [(2, 128, 32, 50), (2, 256, 64, 100), (3, 512, 64, 128)]
FULL = [Configuration(cell, *size) for cell in ("lstm", "gru") for size in SIZES]
QUICK = FULL[:1]


@dataclass(frozen=True)
class Row:
    """What was measured of one configuration in one precision."""

    configuration: Configuration
    precision: str
    ratios: Mapping[str, tuple[Spread, float]]
    """Of neighbouring turns, and of the fastest, for each peer."""
    share: Spread
    milliseconds: float

    def __str__(self) -> str:
        cells = [str(self.configuration), self.precision]
        for name, needed in NEEDED.items():
            if name not in self.ratios:
                cells.append("not measured")
                continue
            spread, fastest = self.ratios[name]
            cells.append(f"{spread}, fastest {fastest:.2f}{'' if spread.median >= needed else ' MISSED'}")
        return " | ".join([*cells, f"{100 * self.share.median:.0f} %", f"{self.milliseconds:.0f}"])


def measure(configuration: Configuration, rounds: int, minutes: float, torch: str | None) -> list[Row]:
    """Let all programs train the same network in turns; a row for each precision of ours."""
    commands = {name: [sys.executable, "ours.py", *configuration.arguments, name] for name in PRECISIONS}
    commands["Keras fit"] = [sys.executable, "keras_training.py", *configuration.arguments]
    commands["peak"] = [sys.executable, "matrix_peak.py", str(SQUARE)]
    if torch:
        commands["PyTorch"] = [torch, "torch_training.py", *configuration.arguments]
    with programs(commands) as started:
        seconds = race(started, rounds, minutes)
    peaks = [2 * SQUARE**3 / own for own in seconds["peak"]]
    rows = []
    for precision in PRECISIONS:
        ours = seconds[precision]
        shares = [configuration.products / own / peak for own, peak in zip(ours, peaks, strict=True)]
        peers = {name: seconds[name] for name in NEEDED if name in seconds}
        ratios = {name: (ratio(peer, ours), min(peer) / min(ours)) for name, peer in peers.items()}
        rows.append(Row(configuration, precision, ratios, Spread.of(shares), 1000 * min(ours)))
    return rows


def header() -> list[str]:
    """The table's head."""
    needed = [f"× {name} (≥ {least:g})" for name, least in NEEDED.items()]
    columns = ["network, batch", "precision", *needed, "of float32 matrix peak", "fastest turn, ms a step"]
    return [" | ".join(columns), " | ".join(["---"] * len(columns))]


def main() -> None:
    """Measure, print, and keep if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="every size, many rounds")
    parser.add_argument("--only", default="", help="begin of the name of what is measured")
    page.add_option(parser)
    parser.add_argument("--rounds", type=int, help="turns of each program")
    asked = parser.parse_args()
    most = asked.rounds or (25 if asked.full else 15)
    minutes = MINUTES["full" if asked.full else "quick"]
    torch = os.environ.get("PEER_PYTHON")
    if not torch:
        print("PyTorch is left out: PEER_PYTHON names no interpreter that has it")
    lines, rows = header(), []
    print(*lines, sep="\n", flush=True)
    for configuration in FULL if asked.full or asked.only else QUICK:
        if str(configuration).startswith(asked.only):
            measured = measure(configuration, most, minutes, torch)
            rows += measured
            lines += map(str, measured)
            print(*lines[-len(PRECISIONS) :], sep="\n", flush=True)
    if asked.write:
        plotted = {
            f"{row.configuration}, {row.precision}": {
                f"× {name}": (spread.low, spread.median, spread.high) for name, (spread, _) in row.ratios.items()
            }
            for row in rows
        }
        said = (
            f"Median and quartiles of the ratios of up to {most} pairs of neighbouring turns; above 1 this project is "
            "faster. Made by `benchmarks/training.py --full --write`.\n"
        )
        page.write("training", "Training speed", [said, *lines], page.bars(plotted, "times as fast"))


if __name__ == "__main__":
    main()
