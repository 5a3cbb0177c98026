"""Measure the time to a good model: `python benchmarks/learning.py TEXT`. Takes about ten minutes.

Preset Quick and a small transformer train in turns of a few seconds, on the same text and threads; the last tenth of
the text is for validation. The transformer is that of nanoGPT's README for CPUs, in PyTorch. Times are fractions of its
2,000 steps: the steps that it did in the same number of seconds of its own turns, so that other load on the machine
slows both equally.

PyTorch is not a dependency of this project: set PEER_PYTHON to an interpreter that has it. Without it, only the times
of this project are reported. `--preset best` trains another preset; `--write` stores the result in results/.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from peers import page
from peers.race import Program, programs

NEEDED = [(1.886, 1 / 10), (1.60, 1 / 3), (1.50, 1.0), (1.47, 2.0)]
"""Losses in nats per character, and the target as a fraction of the transformer's time."""


@dataclass
class Course:
    """The progress of one of the two."""

    program: Program
    seconds: float = 0.0
    done: bool = False
    losses: list[tuple[float, float]] = field(default_factory=list)
    shares: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)])
    """Seconds, and the fraction of its steps done by then."""

    def turn(self) -> None:
        """Train for some seconds."""
        told = json.loads(self.program.ask())
        self.seconds, self.done = told["seconds"], told["done"]
        if "share" in told:
            self.shares.append((self.seconds, told["share"]))
        self.losses += [(seconds, loss) for seconds, loss in told["losses"]]

    def reached(self, level: float) -> float | None:
        """Return the seconds until a validation reached a loss."""
        return next((seconds for seconds, loss in self.losses if loss <= level), None)

    def done_by(self, seconds: float) -> float:
        """Return the fraction of its steps done in the given seconds; above 1 after its end."""
        if seconds > self.seconds:
            return seconds / self.seconds
        return float(np.interp(seconds, *zip(*self.shares, strict=True)))


def compete(text: Path, preset: str, torch: str | None, *, every: int = 10) -> Mapping[str, Course]:
    """Train all in turns until they end; ours is validated every given number of steps."""
    commands = {"ours": [sys.executable, "ours_learning.py", str(text.resolve()), preset, str(every)]}
    if torch:
        commands["transformer"] = [torch, "torch_gpt.py", str(text.resolve())]
    with programs(commands) as started:
        courses = {name: Course(program) for name, program in started.items()}
        while running := [course for course in courses.values() if not course.done]:
            for course in running:
                course.turn()
            print("  ".join(f"{name} {course.seconds:.0f} s" for name, course in courses.items()), end="\r", flush=True)
    print()
    return courses


def report(courses: Mapping[str, Course]) -> list[str]:
    """Return the lines of the table."""
    ours, transformer = courses["ours"], courses.get("transformer")
    lines = ["loss, nats | seconds | fraction of the transformer's time | target", "--- | --- | --- | ---"]
    for level, needed in NEEDED:
        seconds = ours.reached(level)
        if seconds is None:
            lines.append(f"{level} | not reached | | {needed:.2f}{' MISSED' if transformer else ''}")
        elif transformer is None:
            lines.append(f"{level} | {seconds:.0f} | not measured | {needed:.2f}")
        else:
            share = transformer.done_by(seconds)
            lines.append(f"{level} | {seconds:.0f} | {share:.2f} | {needed:.2f}{' MISSED' if share > needed else ''}")
    lowest = min(ours.losses, key=lambda one: one[1])
    lines.append(f"\nLowest: {lowest[1]:.3f} nats after {lowest[0]:.0f} s; {ours.seconds:.0f} s in all.")
    if transformer:
        lines.append(
            f"The transformer: {transformer.losses[-1][1]:.3f} nats after {transformer.seconds:.0f} s, its 2,000 steps."
        )
    return lines


def main() -> None:
    """Train and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "text",
        nargs="?",
        type=Path,
        default=os.environ.get("BENCH_TEXT"),
        help="UTF-8 file (default: BENCH_TEXT); the targets are for tinyshakespeare",
    )
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--every", type=int, default=10, help="steps between two of our validations")
    page.add_option(parser)
    asked = parser.parse_args()
    if asked.text is None:
        print("No text given. Name tinyshakespeare, or set BENCH_TEXT to its path.")
        return
    torch = os.environ.get("PEER_PYTHON")
    if not torch:
        print("PyTorch is skipped: set PEER_PYTHON to an interpreter that has it")
    courses = compete(asked.text, asked.preset, torch, every=asked.every)
    lines = report(courses)
    print(*lines, sep="\n")
    if asked.write:
        plotted = {name: course.losses for name, course in courses.items()}
        title = f"Time to a good model: {asked.preset} on {asked.text.name}"
        plot = page.curves(plotted, "seconds of training", "nats per character")
        page.write(f"learning-{asked.preset}-{asked.text.stem}", title, lines, plot)


if __name__ == "__main__":
    main()
