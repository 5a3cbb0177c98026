"""Estimate the duration of the parts of a training from the measured speed of a machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from charrnn.core.cadence import num_due
from charrnn.core.cpu_info import MIN_BFLOAT16_UNITS
from charrnn.core.network_cost import step_cost

LARGE_FACTOR = 0.75
LARGE_FACTORS_BFLOAT16 = {"amx_bf16": 0.15, "avx512_bf16": 0.45, None: 0.8}
"""Duration of a training's large matrix products relative to NumPy in float32; for bfloat16, by instruction set."""
SMALL_FACTOR, SMALL_FACTOR_BFLOAT16 = 1.1, 0.8
"""The same for matrix products inside the time loops."""
ITERATION_SECONDS, STEP_SECONDS = 15e-6, 1.5e-3
"""Fixed overhead of an iteration of a time loop, and of a training step."""
EVALUATION_SPEEDUP = 2
"""Speed of a validation relative to training, both in characters per second."""
SAMPLE_SECONDS, SAVE_SECONDS = 0.1, 0.1
"""Approximate duration of generating a sample and of saving a checkpoint."""


@dataclass(frozen=True)
class Speed:
    """Measured speed of a machine."""

    large: float
    """Operations per second in the matrix products of a whole batch."""
    small: float
    """Operations per second in the matrix products of one time step."""
    memory: float
    """Bytes per second read from and written to memory."""
    bfloat16: str | None = None
    """Fastest instruction set for bfloat16 matrix products, as named by `core.cpu_info`."""


def step_seconds(options: Mapping[str, Any], num_classes: int, speed: Speed) -> float:
    """Return the estimated duration of one training step.

    The constants were fitted on two cores with AVX-512 bfloat16 to thirteen networks, three of them in float32, with
    all cells, 128 to 512 units and 66 to 1,394 classes. All estimates are within 25 % of the measurements. The AMX
    factor was fitted on two cores with AMX, before time loops used bfloat16.
    """
    work = step_cost(options, num_classes)
    precision, unit = options["precision"], speed.bfloat16
    is_bfloat16 = precision == "mixed_bfloat16" or (
        precision == "auto" and unit is not None and options["lstm_size"] >= MIN_BFLOAT16_UNITS
    )
    return (
        STEP_SECONDS
        + (LARGE_FACTORS_BFLOAT16[unit] if is_bfloat16 else LARGE_FACTOR) * work.batched_flops / speed.large
        + (SMALL_FACTOR_BFLOAT16 if is_bfloat16 else SMALL_FACTOR) * work.sequential_flops / speed.small
        + ITERATION_SECONDS * work.loop_iterations
        + 4 * work.memory_accesses / speed.memory
    )


def validation_seconds(options: Mapping[str, Any], num_val: int, one_step: float) -> float:
    """Return the estimated duration of one validation on `num_val` characters."""
    return one_step * num_val / (EVALUATION_SPEEDUP * options["num_seqs"] * options["num_steps"])


def recording_seconds(options: Mapping[str, Any], steps: int, num_val: int, one_step: float) -> float:
    """Return the estimated duration of all validations, samples and checkpoints of a training."""
    cadence = options["cadence"]
    one_validation = validation_seconds(options, num_val, one_step) if num_val else 0
    return (
        num_due(steps, options["eval_every_n"], cadence) * one_validation
        + num_due(steps, options["sample_every_n"], cadence) * SAMPLE_SECONDS
        + num_due(steps, options["save_every_n"], cadence) * SAVE_SECONDS
    )
