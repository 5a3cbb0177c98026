"""Estimate the size, memory and duration of a training on this machine before it starts."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from charrnn.core import batches
from charrnn.core.batches import Split, split
from charrnn.core.cpu_features import bfloat16_flag
from charrnn.core.machine_speed import Speed, recording_seconds, step_seconds
from charrnn.core.network_cost import num_parameters, training_bytes

TRIES = 50

COMPILING_SECONDS = 4.0


@dataclass(frozen=True)
class Estimate:
    """The cost of a training."""

    num_parameters: int
    memory_bytes: int
    """Without the program itself."""
    steps_per_epoch: int
    total_steps: int
    passes: float
    minutes: float
    """Duration on this machine when it is otherwise idle, within a third."""


def estimate(options: Mapping[str, Any], *, num_characters: int, num_distinct: int) -> Estimate:
    """Estimate the cost of a training.

    Args:
        options: Validated training options.
        num_characters: Length of the text.
        num_distinct: Number of distinct characters.

    Raises:
        TextError: The text is too short for the options.
    """
    steps_per_epoch, total = length(options, num_characters)
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
        steps_per_epoch=steps_per_epoch,
        total_steps=total,
        passes=total / steps_per_epoch,
        minutes=minutes,
    )


def length(options: Mapping[str, Any], num_characters: int) -> tuple[int, int]:
    """Return the steps per epoch and the steps of the training, unless a time limit or `patience` ends it earlier.

    Raises:
        TextError: The text is too short for the options.
    """
    num_train = _split(options, num_characters).num_train
    epoch_steps = batches.steps_per_epoch(num_train, options["num_seqs"], options["num_steps"])
    return epoch_steps, batches.total_steps(options, epoch_steps)


def _split(options: Mapping[str, Any], num_characters: int) -> Split:
    used = {name: options[name] for name in ("val_fraction", "max_val_chars", "num_seqs", "num_steps")}
    return split(num_characters, **used)


@cache
def speed() -> Speed:
    """Measure the speed of this machine once, which takes a second or two."""
    draw = np.random.default_rng(0)
    numbers, others = draw.standard_normal((2, 1 << 20), np.float32)
    product = np.empty_like(numbers)
    large, small = _products(draw, 2048, 256, 768), _products(draw, 32, 128, 512)
    memory = 3 * numbers.nbytes / _seconds(lambda: np.multiply(numbers, others, out=product))
    # On an idle machine, the speeds never differ more; on a busy one, a measurement can be a hundred times too low.
    return Speed(
        large=max(large, small / 4),
        small=max(small, large / 4),
        memory=max(memory, large / 40),
        bfloat16=bfloat16_flag(),
    )


def _products(draw: np.random.Generator, rows: int, inner: int, columns: int) -> float:
    """Measure matrix products, in operations per second."""
    a, b = draw.standard_normal((rows, inner), np.float32), draw.standard_normal((inner, columns), np.float32)
    out = a @ b
    return 2 * rows * inner * columns / _seconds(lambda: np.matmul(a, b, out=out))


def _seconds(work: Callable[[], object]) -> float:
    """Return the shortest duration of several calls."""
    best, start, tries = float("inf"), time.perf_counter(), 0
    # On a busy machine most calls are interrupted; the fastest one shows what the machine can do.
    while tries < TRIES or time.perf_counter() - start < 0.2:
        begin = time.perf_counter()
        work()
        best, tries = min(best, time.perf_counter() - begin), tries + 1
        if time.perf_counter() - start > 0.6:
            break
    return best
