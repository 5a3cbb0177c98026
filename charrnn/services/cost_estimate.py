"""What a training will cost on this machine, told before it starts."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from charrnn.core import batches
from charrnn.core.batches import Split, split
from charrnn.core.cpu_features import bfloat16_flag, uses_bfloat16
from charrnn.core.network_cost import num_parameters, step_cost, training_bytes

TRIES = 50

LARGE = 0.75
LARGE_IN_BFLOAT16 = {"amx_bf16": 0.15, "avx512_bf16": 0.45, None: 0.8}
"""Time of a training's large products beside that of NumPy's in float32, by what the processor has for bfloat16."""
SMALL, SMALL_IN_BFLOAT16 = 1.1, 0.8
"""The same for the products within time loops."""
ITERATION_SECONDS, STEP_SECONDS = 15e-6, 1.5e-3
"""What an iteration of a time loop takes, and a step, whatever their size."""
COMPILING_SECONDS = 4.0


@dataclass(frozen=True)
class Estimate:
    """The cost of a training."""

    num_parameters: int
    memory_bytes: int
    """Beside the program itself."""
    steps_per_epoch: int
    total_steps: int
    passes: float
    minutes: float
    """On this machine when it does nothing else, within a third."""


@dataclass(frozen=True)
class Speed:
    """What this machine does."""

    large: float
    """In products of a batch of characters, in operations a second."""
    small: float
    """In products of one time step, in operations a second."""
    memory: float
    """In reading and writing memory, in bytes a second."""


def estimate(options: Mapping[str, Any], *, num_characters: int, num_distinct: int) -> Estimate:
    """Say what a training will cost.

    Args:
        options: Training options, checked.
        num_characters: Length of the text.
        num_distinct: Different characters in it.

    Raises:
        TextError: The text is too short for the options.
    """
    steps_per_epoch, total = length(options, num_characters)
    num_classes = min(num_distinct, options["max_vocab"]) + 1
    one_step = step_seconds(options, num_classes, speed())
    validations = -(-total // options["eval_every_n"])
    one_validation = validation_seconds(options, _split(options, num_characters).num_val, one_step)
    minutes = (COMPILING_SECONDS + total * one_step + validations * one_validation) / 60
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
    """Return how many steps one pass over a text takes, and how many the training, unless time or patience end it.

    Raises:
        TextError: The text is too short for the options.
    """
    num_train = _split(options, num_characters).num_train
    epoch_steps = batches.steps_per_epoch(num_train, options["num_seqs"], options["num_steps"])
    return epoch_steps, batches.total_steps(options, epoch_steps)


def _split(options: Mapping[str, Any], num_characters: int) -> Split:
    used = {name: options[name] for name in ("val_fraction", "max_val_chars", "num_seqs", "num_steps")}
    return split(num_characters, **used)


def step_seconds(options: Mapping[str, Any], num_classes: int, measured: Speed) -> float:
    """Return how long one training step takes on a machine of a given speed.

    The constants were fitted to thirteen networks of all cells, 128 to 512 units and 66 to 1,394 classes, three of them
    in float32, on two cores with AVX-512's bfloat16, the machine's own speed measured in turns with each: all within a
    quarter. That of AMX is from two cores with AMX, before loops were in bfloat16, too.
    """
    work = step_cost(options, num_classes)
    is_half = uses_bfloat16(options["precision"], options["lstm_size"])
    return (
        STEP_SECONDS
        + (LARGE_IN_BFLOAT16[bfloat16_flag()] if is_half else LARGE) * work.batched_flops / measured.large
        + (SMALL_IN_BFLOAT16 if is_half else SMALL) * work.sequential_flops / measured.small
        + ITERATION_SECONDS * work.loop_iterations
        + 4 * work.memory_accesses / measured.memory
    )


def validation_seconds(options: Mapping[str, Any], num_val: int, one_step: float) -> float:
    """Return how long a validation takes: reading is a third of learning."""
    return one_step / 3 * num_val / (options["num_seqs"] * options["num_steps"])


@cache
def speed() -> Speed:
    """Measure this machine, once, in a second or two."""
    draw = np.random.default_rng(0)
    numbers, others = draw.standard_normal((2, 1 << 20), np.float32)
    product = np.empty_like(numbers)
    large, small = _products(draw, 2048, 256, 768), _products(draw, 32, 128, 512)
    memory = 3 * numbers.nbytes / _seconds(lambda: np.multiply(numbers, others, out=product))
    # never further apart than this on a quiet machine; on a busy one a measurement can be a hundred times too low
    return Speed(large=max(large, small / 4), small=max(small, large / 4), memory=max(memory, large / 40))


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
