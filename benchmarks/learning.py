"""Time to a good model: `python benchmarks/learning.py TEXT`. Takes about ten minutes.

A training with what Auto chooses for five minutes takes turns of some seconds with a small transformer trained in
PyTorch as nanoGPT's README advises for a CPU, on the same text and threads; the last tenth of the text is for
validation. The time in which the transformer does its 2,000 steps is the measure: what counts is how many of them it
did in as many seconds of its own turns, so that a machine that others use too slows both alike.

PyTorch is no dependency of this project: PEER_PYTHON names an interpreter that has it. Without it, only our own times
are told. `--preset` and `--minutes` train something else; `--write` keeps the result in results/.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from peers import result_page
from peers.alternating_runs import Program, programs

NEEDED = [(1.886, 0.08), (1.60, 0.25), (1.50, 0.50), (1.47, 0.60)]
"""Nats per character, and in what part of the transformer's time they should be reached."""


@dataclass
class Course:
    """How far one of them is."""

    program: Program
    seconds: float = 0.0
    done: bool = False
    losses: list[tuple[float, float]] = field(default_factory=list)
    shares: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)])
    """Seconds, and what share of all its steps was done then."""

    def turn(self) -> None:
        """Let it train for some seconds."""
        told = json.loads(self.program.ask())
        self.seconds, self.done = told["seconds"], told["done"]
        if "share" in told:
            self.shares.append((self.seconds, told["share"]))
        self.losses += [(seconds, loss) for seconds, loss in told["losses"]]

    def reached(self, level: float) -> float | None:
        """Seconds until a validation was at a level or below."""
        return next((seconds for seconds, loss in self.losses if loss <= level), None)

    def done_by(self, seconds: float) -> float:
        """Return what share of its steps was done in so many seconds; above 1 where it had been done before."""
        if seconds > self.seconds:
            return seconds / self.seconds
        return float(np.interp(seconds, *zip(*self.shares, strict=True)))


def compete(
    text: Path, preset: str, torch: str | None, *, every: int = 10, minutes: float | None = None
) -> Mapping[str, Course]:
    """Let all train in turns until their ends; ours is validated every so many steps."""
    budget = [] if minutes is None else [str(minutes)]
    commands = {"ours": [sys.executable, "charrnn_learning.py", str(text.resolve()), preset, str(every), *budget]}
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


def lowest_of_transformer(text: Path, torch: str, *, seconds: float) -> float | None:
    """Return the lowest loss on a text's last tenth that the transformer reaches in so many seconds: as if it had been
    ended just in time. `None` if it was never validated."""
    with programs({"transformer": [torch, "torch_gpt.py", str(text.resolve())]}) as started:
        courses = [Course(program) for program in started.values()]
        for course in courses:
            while not course.done and course.seconds < seconds:
                course.turn()
        losses = [loss for course in courses for after, loss in course.losses if after <= seconds]
    return min(losses, default=None)


def report(courses: Mapping[str, Course]) -> list[str]:
    """Return the table's lines."""
    ours, transformer = courses["ours"], courses.get("transformer")
    lines = ["nats | our seconds | of the transformer's time | needed", "--- | --- | --- | ---"]
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
        help="a file in UTF-8, BENCH_TEXT if missing; what is needed is said for tinyshakespeare",
    )
    parser.add_argument("--preset", default="auto")
    parser.add_argument("--minutes", type=float, help="time budget, where the preset knows one; else its own")
    parser.add_argument("--every", type=int, default=10, help="steps between two of our validations")
    result_page.add_option(parser)
    asked = parser.parse_args()
    if asked.text is None:
        print("no text: name tinyshakespeare, or set BENCH_TEXT to its path")
        return
    torch = os.environ.get("PEER_PYTHON")
    if not torch:
        print("PyTorch is left out: PEER_PYTHON names no interpreter that has it")
    courses = compete(asked.text, asked.preset, torch, every=asked.every, minutes=asked.minutes)
    lines = report(courses)
    print(*lines, sep="\n")
    if asked.write:
        plotted = {name: course.losses for name, course in courses.items()}
        title = f"Time to a good model: {asked.preset} on {asked.text.name}"
        plot = result_page.curves(plotted, "seconds of training", "nats per character")
        result_page.write(f"learning-{asked.preset}-{asked.text.stem}", title, lines, plot)


if __name__ == "__main__":
    main()
