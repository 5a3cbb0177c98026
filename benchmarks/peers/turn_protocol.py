"""Take turns with other programs, over standard input and output.

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
WARM_UP = 3


@dataclass(frozen=True)
class Work:
    """The sizes of network and batch, from the command line."""

    cell: str
    layers: int
    units: int
    batch: int
    window: int
    classes: int

    @classmethod
    def asked(cls) -> "Work":
        """Read the command line."""
        cell, *numbers = sys.argv[1:]
        return cls(cell, *map(int, numbers))


def threads() -> int:
    """Return the number of processors that this program may use."""
    return len(os.sched_getaffinity(0))


def steps_of_a_turn(seconds: float) -> int:
    """Return the number of steps per turn, from the seconds per step."""
    return max(1, round(BLOCK_SECONDS / seconds))


def wait() -> bool:
    """Wait for the next turn; return whether there is one."""
    return sys.stdin.readline().strip() == "go"


def tell(what: object) -> None:
    """Print a result."""
    print(what, flush=True)


def take_turns(step: Callable[[], object]) -> None:
    """Warm up, then run a block of steps per turn until input ends."""
    for _ in range(WARM_UP):
        step()
    count = 2
    begun = time.perf_counter()
    for _ in range(count):
        step()
    count = steps_of_a_turn((time.perf_counter() - begun) / count)
    tell("ready")
    while wait():
        begun = time.perf_counter()
        for _ in range(count):
            step()
        tell((time.perf_counter() - begun) / count)
