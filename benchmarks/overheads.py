"""Measure the overheads of a training and the start of generation: `python benchmarks/overheads.py [TEXT]`.

Runs preset Quick through the services, as `charrnn train` does. The time of each part is measured in the same run and
reported as a share, so that other load on the machine affects all parts equally. The recorder thread counts with its
processor time, as a share of all processors. Takes about five minutes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus import SENTENCES, write_text
from peers import result_page

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))  # the checkout, even if another version is installed

MAX_COMPILE_SECONDS = 6.0
MAX_OVERHEAD = 0.03
MIN_EVALUATION_SPEED = 2.0
MAX_LOAD_SECONDS = 1.5
MAX_FIRST_SECONDS = 0.1
SPARE_MEMORY = 300_000_000
"""Bytes that a training may use in addition to the estimate."""
OVERHEADS = {"evaluation": ["evaluation"], "checkpoints": ["checkpoints"], "logging, metrics": ["events", "recorder"]}
"""The overheads that share a target, with the measured parts of each."""


def peak_memory() -> int:
    """Return the peak resident set of this process, in bytes."""
    return 1024 * int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


class Clocks:
    """Measure the duration of each call of some methods."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def timing(self, *methods: tuple[str, type, str, Callable[[], float]]) -> Iterator[None]:
        """Time methods in this block.

        Args:
            methods: Name of the part, class, name of the method, and clock.
        """
        originals = [(owner, method, getattr(owner, method)) for _, owner, method, _ in methods]
        for part, owner, method, clock in methods:
            setattr(owner, method, self._timed(part, getattr(owner, method), clock))
        try:
            yield
        finally:
            for owner, method, function in originals:
                setattr(owner, method, function)

    def _timed(self, part: str, function: Callable[..., Any], clock: Callable[[], float]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            begun = clock()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds[part].append(clock() - begun)

        return timed


def train(text: Path, home: Path, steps: int) -> dict[str, Any]:
    """Train in this process; return the duration of each call of each part, totals and estimates."""
    from charrnn.core.batches import split
    from charrnn.core.network_cost import training_bytes
    from charrnn.core.options import defaults
    from charrnn.model.training.callbacks import EventCallback, SampleCallback
    from charrnn.model.training.evaluation import Evaluation
    from charrnn.model.training.train_state import TrainState
    from charrnn.model.training.train_step import TrainStep
    from charrnn.services import open_services
    from charrnn.services.cost_estimate import estimate
    from charrnn.services.event_recorder import EventRecorder

    TrainStep(defaults("training") | {"lstm_size": 8}, 7)  # initializes TensorFlow before the measurement
    before, clocks, now = peak_memory(), Clocks(), time.perf_counter
    parts = [
        ("steps", TrainStep, "step", now),
        ("evaluation", Evaluation, "losses", now),
        ("checkpoints", TrainState, "_write", now),
        ("samples", SampleCallback, "on_train_batch_end", now),
        ("events", EventCallback, "on_train_batch_end", now),
        ("recorder", EventRecorder, "deliver", time.thread_time),
    ]
    with open_services(home) as services, clocks.timing(*parts):
        services.prepare()
        corpus = services.corpora.find_or_add(text)
        options = services.training.options_for(corpus, preset="quick", options={"max_steps": steps})
        expected = estimate(options, num_characters=corpus.num_characters, num_distinct=corpus.num_distinct)
        begun = now()
        model = services.training.start(corpus, name="measured", options=options)
        state = services.training.wait(model.id).state
        whole = now() - begun
    if state != "completed":
        raise SystemExit(f"The training ended as {state}.")
    params = model.train_params
    sizes = {name: params[name] for name in ("val_fraction", "max_val_chars", "num_seqs", "num_steps")}
    num_val = split(corpus.num_characters, **sizes).num_val
    characters = params["num_seqs"] * params["num_steps"]
    return {
        "whole": whole,
        "estimated": 60 * expected.minutes,
        "memory": peak_memory() - before,
        "expected_memory": training_bytes(params, corpus.num_distinct + 1),
        "characters": {"steps": characters, "evaluation": num_val},
        "seconds": clocks.seconds,
    }


def load(home: Path) -> dict[str, Any]:
    """Load the model and generate text in this process; return the seconds until the first characters.

    TensorFlow is imported before the measurement.
    """
    from charrnn.services import open_services

    with open_services(home) as services:
        services.prepare()
        model = services.models.all()[0]
        seconds = []
        for seed in range(1, 12):
            begun = time.perf_counter()
            next(iter(services.writing.stream(model.id, {"seed": seed, "start_string": "The "}, alternatives=True)))
            seconds.append(time.perf_counter() - begun)
    return {"first": seconds[0], "later": seconds[1:]}


def in_process(part: str, *arguments: object) -> dict[str, Any]:
    """Run `train` or `load` in a separate process."""
    command = [sys.executable, __file__, "--part", part, *map(str, arguments)]
    process = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return result


@dataclass
class Table:
    """The lines of the table, and the results relative to their limits, for the plot."""

    lines: list[str] = field(default_factory=lambda: ["measurement | result | target |", "--- | --- | --- | ---"])
    shares: dict[str, dict[str, tuple[float, float, float]]] = field(default_factory=dict)

    def add(self, name: str, result: float, limit: float, form: str, *, is_minimum: bool = False) -> None:
        """Add a row.

        Args:
            name: Description of the measurement.
            result: The measured value.
            limit: The target.
            form: Format string for both values.
            is_minimum: The limit is a minimum instead of a maximum.
        """
        sign, holds = ("≥", result >= limit) if is_minimum else ("≤", result <= limit)
        shown, target = (form.format(value) for value in (result, limit))
        self.lines.append(f"{name} | {shown} | {sign} {target} | {'reached' if holds else 'MISSED'}")
        share = limit / result if is_minimum else result / limit
        self.shares[name] = {"share of its limit": result_page.exact(share)}


def report(trained: dict[str, Any], loaded: dict[str, Any]) -> Table:
    """Return the table of all results."""
    table, seconds, whole = Table(), trained["seconds"], trained["whole"]
    typical = {part: statistics.median(times) for part, times in seconds.items()}
    table.add("compiling Quick", seconds["steps"][0] - typical["steps"], MAX_COMPILE_SECONDS, "{:.1f} s")
    shares = {part: sum(times) / whole for part, times in seconds.items()}
    shares["recorder"] /= len(os.sched_getaffinity(0))  # of the time of all cores, which the other parts occupy
    overhead_shares = {name: sum(shares[part] for part in parts) for name, parts in OVERHEADS.items()}
    table.add(
        "evaluation, checkpoints, logging, metrics", 100 * sum(overhead_shares.values()), 100 * MAX_OVERHEAD, "{:.1f} %"
    )
    speeds = {part: count / typical[part] for part, count in trained["characters"].items()}
    relative = speeds["evaluation"] / speeds["steps"]
    table.add("speed of evaluation, relative to training", relative, MIN_EVALUATION_SPEED, "{:.1f} ×", is_minimum=True)
    allowed = trained["expected_memory"] + SPARE_MEMORY
    table.add("memory of the training", trained["memory"] / 1e6, allowed / 1e6, "{:.0f} MB")
    ratio = trained["estimated"] / whole
    table.add(f"estimated time, {ratio:.2f} × the actual one: error", 100 * abs(ratio - 1), 30, "{:.0f} %")
    table.add("loading until the first characters", loaded["first"], MAX_LOAD_SECONDS, "{:.2f} s")
    table.add(
        "first characters of a loaded model",
        1000 * statistics.median(loaded["later"]),
        1000 * MAX_FIRST_SECONDS,
        "{:.0f} ms",
    )
    overheads = ", ".join(f"{name} {100 * share:.1f} %" for name, share in overhead_shares.items())
    rest = 1 - sum(shares.values()) + shares["recorder"]
    first_calls = ", ".join(f"{part} {times[0]:.1f} s ({typical[part]:.3f} later)" for part, times in seconds.items())
    table.lines.append(
        f"\nOf {whole:.0f} s: {overheads}, samples {100 * shares['samples']:.1f} %, startup and everything else "
        f"{100 * rest:.1f} %. First call of each: {first_calls}."
    )
    return table


def main() -> None:
    """Train and generate in separate processes, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?", type=Path, help="a text file (default: a megabyte of sentences)")
    parser.add_argument(
        "--steps", type=int, default=1500, help="number of steps; with fewer, compilation takes a larger share"
    )
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    result_page.add_option(parser)
    args = parser.parse_args()
    if args.part:
        name, home, *rest = args.part
        result = load(Path(home)) if name == "load" else train(Path(rest[0]), Path(home), int(rest[1]))
        print(json.dumps(result))
        return
    with tempfile.TemporaryDirectory() as folder:
        text = args.text or Path(folder, "text.txt")
        if args.text is None:
            write_text(text, size=1_100_000, sentences=SENTENCES["ascii"], encoding="utf-8", newline="\n")
        home = Path(folder, "home")
        table = report(in_process("train", home, text.resolve(), args.steps), in_process("load", home))
    print(*table.lines, sep="\n")
    if args.write:
        result_page.write(
            "overheads", "Overheads of a training", table.lines, result_page.bars(table.shares, "of its limit")
        )


if __name__ == "__main__":
    main()
