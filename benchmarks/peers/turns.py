"""How a program that is compared takes turns with the others: it waits on its standard input and answers there.

    it prints `ready`; for each line `go` it does a block of steps and prints the seconds that a step took.

Needs the standard library only, because peers have Pythons of their own.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

BLOCK_SECONDS = 0.4
"""A turn is about as long: a few steps, and short beside the minutes in which a shared machine changes its speed."""
WARM_UP = 3


@dataclass(frozen=True)
class Work:
    """The network and the batch, as the program's arguments say."""

    cell: str
    layers: int
    units: int
    batch: int
    window: int
    classes: int

    @classmethod
    def asked(cls) -> "Work":
        """Read the arguments."""
        cell, *numbers = sys.argv[1:]
        return cls(cell, *map(int, numbers))


def threads() -> int:
    """Processors that this program may use."""
    return len(os.sched_getaffinity(0))


def steps_of_a_turn(seconds: float) -> int:
    """Steps that fill a turn, from the time of one."""
    return max(1, round(BLOCK_SECONDS / seconds))


def wait() -> bool:
    """Wait for the turn; returns whether there is one."""
    return sys.stdin.readline().strip() == "go"


def tell(what: object) -> None:
    """Answer."""
    print(what, flush=True)


def take_turns(step: Callable[[], object]) -> None:
    """Warm up, then do blocks of steps until nobody asks any more."""
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
