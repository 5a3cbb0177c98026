"""What a training will cost on this machine, told before it starts."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from charrnn.core.batches import Split, split
from charrnn.core.cpu_features import bfloat16_unit
from charrnn.core.network_cost import num_parameters, training_bytes
from charrnn.core.speed import Speed, recording_seconds, step_seconds

TRIES = 50

COMPILING_SECONDS = 4.0


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
    """On this machine when it does nothing else, within a third."""


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
    one_step = step_seconds(options, num_classes, speed())
    num_val = _split(options, num_characters).num_val
    seconds = total * one_step + recording_seconds(options, total, num_val, one_step)
    minutes = (COMPILING_SECONDS + seconds) / 60
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
    num_train = _split(options, num_characters).num_train
    steps_per_pass = (num_train // options["num_seqs"] - 1) // options["num_steps"]
    total = options["max_steps"]
    if options["max_epochs"]:
        total = min(total, max(1, round(options["max_epochs"] * steps_per_pass)))
    return steps_per_pass, total


def _split(options: Mapping[str, Any], num_characters: int) -> Split:
    used = {name: options[name] for name in ("val_fraction", "max_val_chars", "num_seqs", "num_steps")}
    return split(num_characters, **used)


@cache
def speed() -> Speed:
    """Measure this machine, once, in a second or two."""
    draw = np.random.default_rng(0)
    numbers, others = draw.standard_normal((2, 1 << 20), np.float32)
    product = np.empty_like(numbers)
    large, small = _products(draw, 2048, 256, 768), _products(draw, 32, 128, 512)
    memory = 3 * numbers.nbytes / _seconds(lambda: np.multiply(numbers, others, out=product))
    # never further apart than this on a quiet machine; on a busy one a measurement can be a hundred times too low
    return Speed(
        large=max(large, small / 4),
        small=max(small, large / 4),
        memory=max(memory, large / 40),
        bfloat16=bfloat16_unit(),
    )


def _products(draw: np.random.Generator, rows: int, inner: int, columns: int) -> float:
    """Measure products of matrices, in operations a second."""
    a, b = draw.standard_normal((rows, inner), np.float32), draw.standard_normal((inner, columns), np.float32)
    out = a @ b
    return 2 * rows * inner * columns / _seconds(lambda: np.matmul(a, b, out=out))


def _seconds(work: Callable[[], object]) -> float:
    """Return how long something takes at best."""
    best, start, tries = float("inf"), time.perf_counter(), 0
    # on a busy machine most tries are interrupted; one that is not tells what the machine can do
    while tries < TRIES or time.perf_counter() - start < 0.2:
        begin = time.perf_counter()
        work()
        best, tries = min(best, time.perf_counter() - begin), tries + 1
        if time.perf_counter() - start > 0.6:
            break
    return best
