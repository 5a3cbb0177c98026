"""Run programs in turns and compare neighboring turns."""

import math
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

PEERS = Path(__file__).parent


@dataclass(frozen=True)
class Spread:
    """Median and quartiles."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(*statistics.quantiles(values, n=4, method="inclusive"))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} … {self.high:.2f})"


class Program:
    """A program that takes turns."""

    def __init__(self, process: subprocess.Popen[str]):
        self._process = process

    def answer(self) -> str:
        """Return its next line; empty if it has ended."""
        return self._process.stdout.readline().strip()

    def ask(self) -> str:
        """Give the program a turn; return its answer."""
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return self.answer()

    def turn(self) -> float:
        """Run one block; return seconds per step."""
        return float(self.ask())


@contextmanager
def programs(
    commands: Mapping[str, Sequence[str]], environments: Mapping[str, Mapping[str, str]] = MappingProxyType({})
) -> Iterator[dict[str, Program]]:
    """Start programs of this folder and stop them at the end; skip those that fail to start.

    Args:
        commands: Interpreter, file name and arguments, by name.
        environments: Environments that differ from that of this process, by name.
    """
    with ExitStack() as stack:
        started = {}
        for name, (python, file, *arguments) in commands.items():
            process = subprocess.Popen(
                [python, str(PEERS / file), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=environments.get(name),
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            started[name] = Program(process)
        ready = {name: program.answer() == "ready" for name, program in started.items()}
        for name in [name for name, is_ready in ready.items() if not is_ready]:
            print(f"{name} did not start and is skipped", file=sys.stderr)
        yield {name: program for name, program in started.items() if ready[name]}


def race(started: Mapping[str, Program], rounds: int, minutes: float = math.inf) -> dict[str, list[float]]:
    """Run a block of each program in turn, `rounds` times; return their seconds per step.

    After `minutes`, stop at the end of the current round, but not before the second one.
    """
    seconds: dict[str, list[float]] = {name: [] for name in started}
    end = time.monotonic() + 60 * minutes
    for number in range(rounds):
        if number >= 2 and time.monotonic() > end:
            break
        for name, program in started.items():
            seconds[name].append(program.turn())
    return seconds


def ratio(slow: Sequence[float], fast: Sequence[float]) -> Spread:
    """Return how many times as fast `fast` was, from neighboring turns."""
    return Spread.of([s / f for s, f in zip(slow, fast, strict=True)])
