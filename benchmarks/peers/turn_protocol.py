"""Alternate with other programs in turns, over standard input and output.

A program prints `ready`. For each line `go`, it runs a block of steps and prints the seconds per step. Uses only the
standard library, because peers run in other Python environments.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

BLOCK_SECONDS = 0.4
"""Approximate length of a turn: a few steps, and short compared to changes in the speed of a shared machine."""
WARM_UP_STEPS = 3


@dataclass(frozen=True)
class TrainingSize:
    """The sizes of a network and its batches."""

    cell: str
    layers: int
    units: int
    batch: int
    window: int
    classes: int

    @classmethod
    def from_arguments(cls) -> "TrainingSize":
        """Read the sizes from the command line: cell, layers, units, batch, window, classes."""
        cell, *sizes = sys.argv[1:]
        return cls(cell, *map(int, sizes))


def num_processors() -> int:
    """Return the number of processors that this program may use."""
    return len(os.sched_getaffinity(0))


def steps_per_turn(step_seconds: float) -> int:
    """Return the number of steps that take about BLOCK_SECONDS."""
    return max(1, round(BLOCK_SECONDS / step_seconds))


def wait_for_turn() -> bool:
    """Wait for the next turn; return false if there is none, because the input has ended."""
    return sys.stdin.readline().strip() == "go"


def send(message: object) -> None:
    """Print a message for the program that gives the turns."""
    print(message, flush=True)


def take_turns(step: Callable[[], object]) -> None:
    """Warm up, then run a block of steps per turn until the input ends."""
    for _ in range(WARM_UP_STEPS):
        step()
    count = 2
    begun = time.perf_counter()
    for _ in range(count):
        step()
    count = steps_per_turn((time.perf_counter() - begun) / count)
    send("ready")
    while wait_for_turn():
        begun = time.perf_counter()
        for _ in range(count):
            step()
        send((time.perf_counter() - begun) / count)
