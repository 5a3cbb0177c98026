"""Measure the time to a good model, relative to a small transformer: `python benchmarks/learning.py TEXT`.

A preset and a transformer train in turns of some seconds on the same text and cores, with the last tenth of the text
for validation. The transformer is trained in PyTorch, with the settings that nanoGPT's README recommends for CPUs. For
each loss, the table shows the fraction of the transformer's 2,000 steps that it completes in the time the preset needs
to reach the loss. Because of the turns, other load on the machine slows both equally. It takes about ten minutes.

PyTorch is not a dependency of this project: set PEER_PYTHON to an interpreter that has it. Without it, only the times
of this project are measured. `--preset` and `--minutes` change the training; `--write` stores the result in results/.
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

TARGETS = [(1.886, 0.08), (1.60, 0.25), (1.50, 0.50), (1.47, 0.60)]
"""Nats per character, and the fraction of the transformer's time within which they should be reached."""


@dataclass
class Course:
    """The progress of one training."""

    program: Program
    seconds: float = 0.0
    done: bool = False
    losses: list[tuple[float, float]] = field(default_factory=list)
    """Seconds and loss of each validation."""
    fractions: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)])
    """Seconds, and the fraction of all steps completed by then."""

    def run_turn(self) -> None:
        """Continue the training for some seconds."""
        result = json.loads(self.program.run_turn())
        self.seconds, self.done = result["seconds"], result["done"]
        if "share" in result:
            self.fractions.append((self.seconds, result["share"]))
        self.losses += [(seconds, loss) for seconds, loss in result["losses"]]

    def seconds_until(self, loss: float) -> float | None:
        """Return the seconds until a validation loss was this low; `None` if it never was."""
        return next((seconds for seconds, validated in self.losses if validated <= loss), None)

    def completed_fraction(self, seconds: float) -> float:
        """Return the fraction of steps completed after the given seconds; above 1 if that is after the last step."""
        if seconds > self.seconds:
            return seconds / self.seconds
        return float(np.interp(seconds, *zip(*self.fractions, strict=True)))


def train_in_turns(
    text: Path, preset: str, torch: str | None, *, eval_every_n: int = 10, minutes: float | None = None
) -> Mapping[str, Course]:
    """Train the preset and the transformer in turns until both are complete.

    Args:
        text: The text, a UTF-8 file.
        preset: Name of the preset.
        torch: Python interpreter with PyTorch; `None` to train the preset only.
        eval_every_n: Number of steps between validations of the preset.
        minutes: Time budget, for presets that have one.

    Returns:
        The courses of `ours` and, with PyTorch, of `transformer`.
    """
    budget = [] if minutes is None else [str(minutes)]
    file = str(text.resolve())
    commands = {"ours": [sys.executable, "charrnn_learning.py", file, preset, str(eval_every_n), *budget]}
    if torch:
        commands["transformer"] = [torch, "torch_gpt.py", file]
    with programs(commands) as started:
        courses = {name: Course(program) for name, program in started.items()}
        while running := [course for course in courses.values() if not course.done]:
            for course in running:
                course.run_turn()
            print("  ".join(f"{name} {course.seconds:.0f} s" for name, course in courses.items()), end="\r", flush=True)
    print()
    return courses


def lowest_transformer_loss(text: Path, torch: str, *, seconds: float) -> float | None:
    """Return the lowest validation loss that the transformer reaches within a time limit.

    Args:
        text: The text, a UTF-8 file; its last tenth is used for validation.
        torch: Python interpreter with PyTorch.
        seconds: The time limit.

    Returns:
        The loss in nats per character; `None` if no validation was completed in time.
    """
    with programs({"transformer": [torch, "torch_gpt.py", str(text.resolve())]}) as started:
        courses = [Course(program) for program in started.values()]
        for course in courses:
            while not course.done and course.seconds < seconds:
                course.run_turn()
        losses = [loss for course in courses for after, loss in course.losses if after <= seconds]
    return min(losses, default=None)


def report(courses: Mapping[str, Course]) -> list[str]:
    """Return the lines of the table."""
    ours, transformer = courses["ours"], courses.get("transformer")
    lines = ["loss, nats | seconds | fraction of the transformer's time | target", "--- | --- | --- | ---"]
    for loss, target in TARGETS:
        seconds = ours.seconds_until(loss)
        if seconds is None:
            lines.append(f"{loss} | not reached | | {target:.2f}{' MISSED' if transformer else ''}")
        elif transformer is None:
            lines.append(f"{loss} | {seconds:.0f} | not measured | {target:.2f}")
        else:
            fraction = transformer.completed_fraction(seconds)
            verdict = " MISSED" if fraction > target else ""
            lines.append(f"{loss} | {seconds:.0f} | {fraction:.2f} | {target:.2f}{verdict}")
    seconds, lowest = min(ours.losses, key=lambda validation: validation[1])
    lines.append(f"\nLowest loss: {lowest:.3f} nats after {seconds:.0f} s; the training took {ours.seconds:.0f} s.")
    if transformer:
        final = transformer.losses[-1][1]
        lines.append(f"Transformer: {final:.3f} nats after 2,000 steps in {transformer.seconds:.0f} s.")
    return lines


def main() -> None:
    """Train both, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "text",
        nargs="?",
        type=Path,
        default=os.environ.get("BENCH_TEXT"),
        help="a UTF-8 file (default: BENCH_TEXT); the targets are those for tinyshakespeare",
    )
    parser.add_argument("--preset", default="auto")
    parser.add_argument("--minutes", type=float, help="time budget, for presets that have one (default: the preset's)")
    parser.add_argument("--every", type=int, default=10, help="number of steps between validations of the preset")
    result_page.add_option(parser)
    args = parser.parse_args()
    if args.text is None:
        print("No text: pass the path of tinyshakespeare, or set BENCH_TEXT to it.")
        return
    torch = os.environ.get("PEER_PYTHON")
    if not torch:
        print("PyTorch is skipped: set PEER_PYTHON to an interpreter that has it")
    courses = train_in_turns(args.text, args.preset, torch, eval_every_n=args.every, minutes=args.minutes)
    lines = report(courses)
    print(*lines, sep="\n")
    if args.write:
        plotted = {name: course.losses for name, course in courses.items()}
        title = f"Time to a good model: {args.preset} on {args.text.name}"
        plot = result_page.curves(plotted, "seconds of training", "nats per character")
        result_page.write(f"learning-{args.preset}-{args.text.stem}", title, lines, plot)


if __name__ == "__main__":
    main()
