"""Compare the speed of a training step with PyTorch and Keras: `python benchmarks/training.py`.

All train the same network: embedding, LSTM or GRU layers with dropout 0.5 after each, cross-entropy, gradient clipping
by global norm, Adam, stateful batches. Each program runs in its own process, in turns of half a second, so that other
load on the machine slows all of them equally; ratios are those of neighboring turns. The ratio of the fastest turns
estimates that of an idle machine.

PyTorch and Keras use float32. This project uses float32 in the first row of each network and `precision=auto` in the
second, which is bfloat16 if the CPU has instructions for it.

PyTorch is not a dependency of this project: set PEER_PYTHON to an interpreter that has it. `--full` measures all
networks (half an hour), `--only lstm` those whose names start with `lstm`; `--write` stores the result in
results/training.md.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from peers import result_page
from peers.alternating_runs import Spread, programs, race, ratio

CLASSES = 66
SQUARE = 1024
"""Rows and columns of the matrices that are multiplied to measure the matrix peak."""
MINUTES = {"quick": 0.4, "full": 4.0}
"""Minutes per configuration after which no new round starts."""
PRECISIONS = "float32", "auto"
TARGETS = {"PyTorch": 1.2, "Keras fit": 2.0}


@dataclass(frozen=True)
class Configuration:
    """Sizes of a network and its batches."""

    cell: str
    layers: int
    units: int
    batch: int
    window: int

    def __str__(self) -> str:
        return f"{self.cell} {self.layers} × {self.units}, {self.batch} × {self.window}"

    @property
    def arguments(self) -> list[str]:
        """Arguments for the programs."""
        return [self.cell, *map(str, (self.layers, self.units, self.batch, self.window, CLASSES))]

    @property
    def operations(self) -> float:
        """Floating-point operations of the matrix products in a step: once forward, twice backward."""
        gates = {"lstm": 4, "gru": 3}[self.cell]
        weights = self.layers * 2 * self.units * gates * self.units + self.units * CLASSES
        return 6.0 * weights * self.batch * self.window


SIZES = [(2, 128, 32, 50), (2, 256, 64, 100), (3, 512, 64, 128)]
FULL = [Configuration(cell, *size) for cell in ("lstm", "gru") for size in SIZES]
QUICK = FULL[:1]


@dataclass(frozen=True)
class Row:
    """The result of one configuration in one precision."""

    configuration: Configuration
    precision: str
    ratios: Mapping[str, tuple[Spread, float]]
    """Ratios of neighboring turns, and the ratio of the fastest turns, by peer."""
    peak_share: Spread
    """Speed of this project relative to the matrix peak."""
    milliseconds: float
    """Milliseconds per step in the fastest turn."""

    def __str__(self) -> str:
        cells = [str(self.configuration), self.precision]
        for name, target in TARGETS.items():
            if name not in self.ratios:
                cells.append("not measured")
                continue
            spread, fastest = self.ratios[name]
            cells.append(f"{spread}, fastest {fastest:.2f}{'' if spread.median >= target else ' MISSED'}")
        return " | ".join([*cells, f"{100 * self.peak_share.median:.0f} %", f"{self.milliseconds:.0f}"])


def measure(configuration: Configuration, rounds: int, minutes: float, torch: str | None) -> list[Row]:
    """Train the same network with all programs, in turns; return a row for each precision."""
    commands = {name: [sys.executable, "charrnn_training.py", *configuration.arguments, name] for name in PRECISIONS}
    commands["Keras fit"] = [sys.executable, "keras_training.py", *configuration.arguments]
    commands["peak"] = [sys.executable, "matrix_peak.py", str(SQUARE)]
    if torch:
        commands["PyTorch"] = [torch, "torch_training.py", *configuration.arguments]
    with programs(commands) as started:
        seconds = race(started, rounds, minutes)
    peaks = [2 * SQUARE**3 / step for step in seconds["peak"]]
    rows = []
    for precision in PRECISIONS:
        ours = seconds[precision]
        shares = [configuration.operations / step / peak for step, peak in zip(ours, peaks, strict=True)]
        peers = {name: seconds[name] for name in TARGETS if name in seconds}
        ratios = {name: (ratio(peer, ours), min(peer) / min(ours)) for name, peer in peers.items()}
        rows.append(Row(configuration, precision, ratios, Spread.of(shares), 1000 * min(ours)))
    return rows


def header() -> list[str]:
    """Return the header of the table."""
    ratios = [f"× {name} (≥ {target:g})" for name, target in TARGETS.items()]
    columns = ["network, batch", "precision", *ratios, "of float32 matrix peak", "fastest turn, ms per step"]
    return [" | ".join(columns), " | ".join(["---"] * len(columns))]


def main() -> None:
    """Measure the configurations, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="measure all networks, with more rounds")
    parser.add_argument("--only", default="", help="measure only networks whose names start with this")
    result_page.add_option(parser)
    parser.add_argument("--rounds", type=int, help="maximum number of turns of each program")
    args = parser.parse_args()
    max_rounds = args.rounds or (25 if args.full else 15)
    minutes = MINUTES["full" if args.full else "quick"]
    torch = os.environ.get("PEER_PYTHON")
    if not torch:
        print("PyTorch is skipped: set PEER_PYTHON to an interpreter that has it")
    lines, rows = header(), []
    print(*lines, sep="\n", flush=True)
    for configuration in FULL if args.full or args.only else QUICK:
        if str(configuration).startswith(args.only):
            measured = measure(configuration, max_rounds, minutes, torch)
            rows += measured
            lines += map(str, measured)
            print(*lines[-len(PRECISIONS) :], sep="\n", flush=True)
    if args.write:
        plotted = {
            f"{row.configuration}, {row.precision}": {
                f"× {name}": (spread.low, spread.median, spread.high) for name, (spread, _) in row.ratios.items()
            }
            for row in rows
        }
        introduction = (
            f"Median and quartiles of the ratios of up to {max_rounds} pairs of neighboring turns; above 1, this "
            "project is faster. Made by `benchmarks/training.py --full --write`.\n"
        )
        plot = result_page.bars(plotted, "times as fast")
        result_page.write("training", "Training speed", [introduction, *lines], plot)


if __name__ == "__main__":
    main()
