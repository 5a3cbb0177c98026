"""Estimate the parameters, memory, steps and time of a training before it starts."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from charrnn.core import batches
from charrnn.core.batches import Split, split
from charrnn.core.cpu_info import bfloat16_flag
from charrnn.core.duration_estimate import Speed, recording_seconds, step_seconds
from charrnn.core.network_cost import num_parameters, training_bytes
from charrnn.core.ngrams import ngram_bytes

MIN_REPEATS = 50
"""Number of measurements of each operation, unless they take too long."""
COMPILE_SECONDS = 4.0
"""Time before the first step, in seconds."""


@dataclass(frozen=True)
class Estimate:
    """The cost of a training."""

    num_parameters: int
    memory_bytes: int
    """In addition to the memory of the program itself."""
    steps_per_epoch: int
    total_steps: int
    epochs: float
    minutes: float
    """On this machine when it is otherwise idle, accurate to about a third."""


def estimate(options: Mapping[str, Any], *, num_characters: int, num_distinct: int) -> Estimate:
    """Estimate the cost of a training.

    Args:
        options: Validated training options.
        num_characters: Length of the text.
        num_distinct: Number of distinct characters in the text.

    Raises:
        TextError: The text is too short for the options.
    """
    steps_per_epoch, total = count_steps(options, num_characters)
    num_classes = min(num_distinct, options["max_vocab"]) + 1
    one_step = step_seconds(options, num_classes, measure_speed())
    num_val = _split(options, num_characters).num_val
    seconds = total * one_step + recording_seconds(options, total, num_val, one_step)
    minutes = (COMPILE_SECONDS + seconds) / 60
    if options["max_minutes"]:
        minutes = min(minutes, options["max_minutes"])
    return Estimate(
        num_parameters=num_parameters(options, num_classes),
        memory_bytes=training_memory(options, num_characters=num_characters, num_distinct=num_distinct),
        steps_per_epoch=steps_per_epoch,
        total_steps=total,
        epochs=total / steps_per_epoch,
        minutes=minutes,
    )


def training_memory(options: Mapping[str, Any], *, num_characters: int, num_distinct: int) -> int:
    """Estimate the memory of a training in bytes, in addition to that of the program; arguments as for `estimate`."""
    num_classes = min(num_distinct, options["max_vocab"]) + 1
    return training_bytes(options, num_classes) + ngram_bytes(num_characters, options["ngram_order"])


def count_steps(options: Mapping[str, Any], num_characters: int) -> tuple[int, int]:
    """Return the steps per epoch and the total steps; a time limit or early stopping can end the training earlier.

    Raises:
        TextError: The text is too short for the options.
    """
    num_train = _split(options, num_characters).num_train
    steps_per_epoch = batches.steps_per_epoch(num_train, options["num_seqs"], options["num_steps"])
    return steps_per_epoch, batches.total_steps(options, steps_per_epoch)


def _split(options: Mapping[str, Any], num_characters: int) -> Split:
    used = {name: options[name] for name in ("val_fraction", "max_val_chars", "num_seqs", "num_steps")}
    return split(num_characters, **used)


@cache
def measure_speed() -> Speed:
    """Measure the speed of this machine; takes a second or two on the first call."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 1 << 20), np.float32)
    product = np.empty_like(a)
    large, small = _matmul_speed(rng, 2048, 256, 768), _matmul_speed(rng, 32, 128, 512)
    memory = 3 * a.nbytes / _fastest_seconds(lambda: np.multiply(a, b, out=product))
    # The ratios never exceed these bounds on an idle machine; on a busy one, a measurement can be far too low.
    return Speed(
        large=max(large, small / 4),
        small=max(small, large / 4),
        memory=max(memory, large / 40),
        bfloat16=bfloat16_flag(),
    )


def _matmul_speed(rng: np.random.Generator, rows: int, inner: int, columns: int) -> float:
    """Measure matrix products, in operations per second."""
    a, b = rng.standard_normal((rows, inner), np.float32), rng.standard_normal((inner, columns), np.float32)
    out = a @ b
    return 2 * rows * inner * columns / _fastest_seconds(lambda: np.matmul(a, b, out=out))


def _fastest_seconds(operation: Callable[[], object]) -> float:
    """Return the duration of the fastest of several runs; on a busy machine, the slower ones were interrupted."""
    best, start, repeats = float("inf"), time.perf_counter(), 0
    while repeats < MIN_REPEATS or time.perf_counter() - start < 0.2:
        started = time.perf_counter()
        operation()
        best, repeats = min(best, time.perf_counter() - started), repeats + 1
        if time.perf_counter() - start > 0.6:
            break
    return best
