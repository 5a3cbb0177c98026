"""What a training will cost on this machine, told before it starts."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from charrnn.core.batches import check_length, split
from charrnn.core.cost import num_parameters, step_work, training_bytes

TRIES = 50


@dataclass(frozen=True)
class Estimate:
    """The cost of a training."""

    num_parameters: int
    memory_bytes: int
    """Beside the program itself."""
    steps_per_pass: int
    total_steps: int
    passes: float
    minutes: float
    """On this machine when it does nothing else; half to twice as much is likely."""


@dataclass(frozen=True)
class Speed:
    """What this machine does, in floating-point operations a second."""

    large: float
    """In products of a batch of characters."""
    small: float
    """In products of one time step."""


def estimate(options: Mapping[str, Any], *, num_characters: int, num_distinct: int) -> Estimate:
    """Say what a training will cost.

    Args:
        options: Training options, checked.
        num_characters: Length of the text.
        num_distinct: Different characters in it.

    Raises:
        TextError: The text is too short for the options.
    """
    steps_per_pass, total = length(options, num_characters)
    num_classes = min(num_distinct, options["max_vocab"]) + 1
    minutes = total * step_seconds(options, num_classes, speed()) / 60
    if options["max_minutes"]:
        minutes = min(minutes, options["max_minutes"])
    return Estimate(
        num_parameters=num_parameters(options, num_classes),
        memory_bytes=training_bytes(options, num_classes),
        steps_per_pass=steps_per_pass,
        total_steps=total,
        passes=total / steps_per_pass,
        minutes=minutes,
    )


def length(options: Mapping[str, Any], num_characters: int) -> tuple[int, int]:
    """Return how many steps one pass over a text takes, and how many the training, unless time or patience end it.

    Raises:
        TextError: The text is too short for the options.
    """
    sizes = {name: options[name] for name in ("num_seqs", "num_steps")}
    check_length(num_characters, **sizes)
    kept = {name: options[name] for name in ("val_fraction", "max_val_chars")}
    num_train = split(num_characters, **kept, **sizes).num_train
    steps_per_pass = (num_train // options["num_seqs"] - 1) // options["num_steps"]
    total = options["max_steps"]
    if options["max_epochs"]:
        total = min(total, max(1, round(options["max_epochs"] * steps_per_pass)))
    return steps_per_pass, total


def step_seconds(options: Mapping[str, Any], num_classes: int, measured: Speed) -> float:
    """Return how long one training step takes on a machine of a given speed."""
    work = step_work(options, num_classes)
    # beside its products an iteration of a time loop reads and writes gates, some 20 µs; large products inside the
    # compiled step reach about half of what they reach alone, the rest goes to what lies between them
    return 2 * work.large / measured.large + work.small / measured.small + work.iterations * 20e-6


@cache
def speed() -> Speed:
    """Measure this machine, once, in half a second to two."""
    large, small = _measured(2048, 256, 768), _measured(32, 128, 512)
    # never further apart than this on a quiet machine; on a busy one a measurement can be a hundred times too low
    return Speed(large=max(large, small / 4), small=max(small, large / 4))


def _measured(rows: int, inner: int, columns: int) -> float:
    draw = np.random.default_rng(0)
    a = draw.standard_normal((rows, inner), np.float32)
    b = draw.standard_normal((inner, columns), np.float32)
    out = a @ b
    best, start, tries = float("inf"), time.perf_counter(), 0
    # on a busy machine most tries are interrupted; one that is not tells what the machine can do
    while tries < TRIES or time.perf_counter() - start < 0.2:
        begin = time.perf_counter()
        np.matmul(a, b, out=out)
        best, tries = min(best, time.perf_counter() - begin), tries + 1
        if time.perf_counter() - start > 1:
            break
    return 2 * rows * inner * columns / best
