"""Run programs in turns, and compare the speeds of neighboring turns."""

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
    """A running program that follows the protocol of `turn_protocol.py`."""

    def __init__(self, process: subprocess.Popen[str]):
        self._process = process

    def read_line(self) -> str:
        """Return the next line of its output; empty if it has ended."""
        return self._process.stdout.readline().strip()

    def run_turn(self) -> str:
        """Give the program a turn; return the line that it prints at the end."""
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return self.read_line()

    def measure_turn(self) -> float:
        """Give the program a turn; return its seconds per step."""
        return float(self.run_turn())


@contextmanager
def programs(
    commands: Mapping[str, Sequence[str]], environments: Mapping[str, Mapping[str, str]] = MappingProxyType({})
) -> Iterator[dict[str, Program]]:
    """Start programs of this folder and stop them at the end; skip those that fail to start.

    Args:
        commands: Interpreter, file name and arguments of each program, by name.
        environments: Environment variables of programs that do not inherit those of this process, by name.
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
        ready = {name: program.read_line() == "ready" for name, program in started.items()}
        for name in [name for name, is_ready in ready.items() if not is_ready]:
            print(f"{name} did not start and is skipped", file=sys.stderr)
        yield {name: program for name, program in started.items() if ready[name]}


def race(started: Mapping[str, Program], rounds: int, minutes: float = math.inf) -> dict[str, list[float]]:
    """Give each program a turn, `rounds` times; return the seconds per step of every turn, by name.

    After `minutes`, stop at the end of the current round, but not before the second round.
    """
    seconds: dict[str, list[float]] = {name: [] for name in started}
    end = time.monotonic() + 60 * minutes
    for number in range(rounds):
        if number >= 2 and time.monotonic() > end:
            break
        for name, program in started.items():
            seconds[name].append(program.measure_turn())
    return seconds


def ratio(slow: Sequence[float], fast: Sequence[float]) -> Spread:
    """Return the speed of `fast` relative to `slow`, as ratios of neighboring turns."""
    return Spread.of([s / f for s, f in zip(slow, fast, strict=True)])
