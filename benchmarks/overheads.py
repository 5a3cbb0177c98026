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

COMPILE_SECONDS = 6.0
OVERHEAD = 0.03
EVALUATION_SPEED = 2.0
LOAD_SECONDS = 1.5
FIRST_SECONDS = 0.1
SPARE_MEMORY = 300_000_000
OVERHEADS = {"evaluation": ["evaluation"], "checkpoints": ["checkpoints"], "logging, metrics": ["events", "recorder"]}
"""The overheads with a common target, and the parts they consist of."""


def peak_memory() -> int:
    """Return the peak resident set of this process, in bytes."""
    return 1024 * int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


class Clocks:
    """Measure the total time of functions."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def watching(self, *watched: tuple[str, type, str, Callable[[], float]]) -> Iterator[None]:
        """Wrap methods to measure their time: name of the part, class, method, clock."""
        kept = [(owner, method, getattr(owner, method)) for _, owner, method, _ in watched]
        for part, owner, method, clock in watched:
            setattr(owner, method, self._timed(part, getattr(owner, method), clock))
        try:
            yield
        finally:
            for owner, method, function in kept:
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
    """Train in this process; return the time of each part."""
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

    TrainStep(defaults("training") | {"lstm_size": 8}, 7)  # starts what TensorFlow starts at first use
    before, clocks, now = peak_memory(), Clocks(), time.perf_counter
    parts = [
        ("steps", TrainStep, "step", now),
        ("evaluation", Evaluation, "losses", now),
        ("checkpoints", TrainState, "_write", now),
        ("samples", SampleCallback, "on_train_batch_end", now),
        ("events", EventCallback, "on_train_batch_end", now),
        ("recorder", EventRecorder, "deliver", time.thread_time),
    ]
    with open_services(home) as services, clocks.watching(*parts):
        services.prepare()
        corpus = services.corpora.find_or_add(text)
        options = services.training.options_for(corpus, preset="quick", options={"max_steps": steps})
        told = estimate(options, num_characters=corpus.num_characters, num_distinct=corpus.num_distinct)
        begun = now()
        model = services.training.start(corpus, name="measured", options=options)
        state = services.training.wait(model.id).state
        whole = now() - begun
    if state != "completed":
        raise SystemExit(f"The training ended as {state}.")
    used = model.train_params
    sizes = {name: used[name] for name in ("val_fraction", "max_val_chars", "num_seqs", "num_steps")}
    num_val = split(corpus.num_characters, **sizes).num_val
    characters = used["num_seqs"] * used["num_steps"]
    return {
        "whole": whole,
        "estimated": 60 * told.minutes,
        "memory": peak_memory() - before,
        "expected_memory": training_bytes(used, corpus.num_distinct + 1),
        "characters": {"steps": characters, "evaluation": num_val},
        "seconds": clocks.seconds,
    }


def load(home: Path) -> dict[str, Any]:
    """Load the model and generate text in this process, with TensorFlow already imported."""
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
    """Run a part in a separate process."""
    command = [sys.executable, __file__, "--part", part, *map(str, arguments)]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return result


@dataclass
class Table:
    """The rows of the table, and each result relative to its limit."""

    lines: list[str] = field(default_factory=lambda: ["what | result | target |", "--- | --- | --- | ---"])
    shares: dict[str, dict[str, tuple[float, float, float]]] = field(default_factory=dict)

    def add(self, what: str, came: float, limit: float, form: str, *, least: bool = False) -> None:
        """Add a result with its limit, formatted with `form`; the limit is a minimum if `least`, else a maximum."""
        sign, holds = ("≥", came >= limit) if least else ("≤", came <= limit)
        said, needed = (form.format(value) for value in (came, limit))
        self.lines.append(f"{what} | {said} | {sign} {needed} | {'reached' if holds else 'MISSED'}")
        self.shares[what] = {"share of its limit": result_page.exact(limit / came if least else came / limit)}


def report(trained: dict[str, Any], loaded: dict[str, Any]) -> Table:
    """Return the table."""
    table, seconds, whole = Table(), trained["seconds"], trained["whole"]
    usual = {part: statistics.median(times) for part, times in seconds.items()}
    table.add("compiling Quick", seconds["steps"][0] - usual["steps"], COMPILE_SECONDS, "{:.1f} s")
    shares = {part: sum(times) / whole for part, times in seconds.items()}
    shares["recorder"] /= len(os.sched_getaffinity(0))  # of all processors' time, as the others
    own = {name: sum(shares[part] for part in parts) for name, parts in OVERHEADS.items()}
    table.add("evaluation, checkpoints, logging, metrics", 100 * sum(own.values()), 100 * OVERHEAD, "{:.1f} %")
    speeds = {part: count / usual[part] for part, count in trained["characters"].items()}
    relative = speeds["evaluation"] / speeds["steps"]
    table.add("speed of evaluation, relative to training", relative, EVALUATION_SPEED, "{:.1f} ×", least=True)
    allowed = trained["expected_memory"] + SPARE_MEMORY
    table.add("memory of the training", trained["memory"] / 1e6, allowed / 1e6, "{:.0f} MB")
    off = trained["estimated"] / whole
    table.add(f"estimated time, {off:.2f} × the actual one: error", 100 * abs(off - 1), 30, "{:.0f} %")
    table.add("loading until the first characters", loaded["first"], LOAD_SECONDS, "{:.2f} s")
    table.add(
        "first characters of a loaded model",
        1000 * statistics.median(loaded["later"]),
        1000 * FIRST_SECONDS,
        "{:.0f} ms",
    )
    said = ", ".join(f"{name} {100 * share:.1f} %" for name, share in own.items())
    rest = 1 - sum(shares.values()) + shares["recorder"]
    firsts = ", ".join(f"{part} {times[0]:.1f} s ({usual[part]:.3f} later)" for part, times in seconds.items())
    table.lines.append(
        f"\nOf {whole:.0f} s: {said}, samples {100 * shares['samples']:.1f} %, startup and everything else "
        f"{100 * rest:.1f} %. First call of each: {firsts}."
    )
    return table


def main() -> None:
    """Train, load, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?", type=Path, help="default: a megabyte of sentences")
    parser.add_argument("--steps", type=int, default=1500, help="with fewer steps, compilation weighs more")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    result_page.add_option(parser)
    asked = parser.parse_args()
    if asked.part:
        name, home, *rest = asked.part
        result = load(Path(home)) if name == "load" else train(Path(rest[0]), Path(home), int(rest[1]))
        print(json.dumps(result))
        return
    with tempfile.TemporaryDirectory() as folder:
        text = asked.text or Path(folder, "text.txt")
        if asked.text is None:
            write_text(text, size=1_100_000, sentences=SENTENCES["ascii"], encoding="utf-8", newline="\n")
        home = Path(folder, "home")
        table = report(in_process("train", home, text.resolve(), asked.steps), in_process("load", home))
    print(*table.lines, sep="\n")
    if asked.write:
        result_page.write(
            "overheads", "Overheads of a training", table.lines, result_page.bars(table.shares, "of its limit")
        )


if __name__ == "__main__":
    main()
