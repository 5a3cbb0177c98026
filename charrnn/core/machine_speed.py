"""How long the parts of a training take on a machine of a given speed. Pure arithmetic over what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from charrnn.core.cadence import num_due
from charrnn.core.cpu_features import MIN_BFLOAT16_UNITS
from charrnn.core.network_cost import step_cost

LARGE = 0.75
LARGE_IN_BFLOAT16 = {"amx_bf16": 0.15, "avx512_bf16": 0.45, None: 0.8}
"""Time of a training's large products beside that of NumPy's in float32, by what the processor has for bfloat16."""
SMALL, SMALL_IN_BFLOAT16 = 1.1, 0.8
"""The same for the products within time loops."""
ITERATION_SECONDS, STEP_SECONDS = 15e-6, 1.5e-3
"""What an iteration of a time loop takes, and a step, whatever their size."""
READING = 2
"""How many times faster characters are read in a validation than learned from."""
SAMPLE_SECONDS, SAVE_SECONDS = 0.1, 0.1
"""What a sample and a checkpoint take, about."""


@dataclass(frozen=True)
class Speed:
    """What this machine does."""

    large: float
    """In products of a batch of characters, in operations a second."""
    small: float
    """In products of one time step, in operations a second."""
    memory: float
    """In reading and writing memory, in bytes a second."""
    bfloat16: str | None = None
    """Fastest instructions that multiply bfloat16 matrices, as `core.processor` names them."""


def step_seconds(options: Mapping[str, Any], num_classes: int, measured: Speed) -> float:
    """Return how long one training step takes on a machine of a given speed.

    The constants were fitted to thirteen networks of all cells, 128 to 512 units and 66 to 1,394 classes, three of them
    in float32, on two cores with AVX-512's bfloat16, the machine's own speed measured in turns with each: all within a
    quarter. That of AMX is from two cores with AMX, before loops were in bfloat16, too.
    """
    work = step_cost(options, num_classes)
    precision, unit = options["precision"], measured.bfloat16
    is_half = precision == "mixed_bfloat16" or (
        precision == "auto" and unit is not None and options["lstm_size"] >= MIN_BFLOAT16_UNITS
    )
    return (
        STEP_SECONDS
        + (LARGE_IN_BFLOAT16[unit] if is_half else LARGE) * work.batched_flops / measured.large
        + (SMALL_IN_BFLOAT16 if is_half else SMALL) * work.sequential_flops / measured.small
        + ITERATION_SECONDS * work.loop_iterations
        + 4 * work.memory_accesses / measured.memory
    )


def validation_seconds(options: Mapping[str, Any], num_val: int, one_step: float) -> float:
    """Return how long a validation takes: reading is half of learning."""
    return one_step * num_val / (READING * options["num_seqs"] * options["num_steps"])


def recording_seconds(options: Mapping[str, Any], steps: int, num_val: int, one_step: float) -> float:
    """Return how long all validations, samples and checkpoints of a training take."""
    cadence = options["cadence"]
    one_validation = validation_seconds(options, num_val, one_step) if num_val else 0
    return (
        num_due(steps, options["eval_every_n"], cadence) * one_validation
        + num_due(steps, options["sample_every_n"], cadence) * SAMPLE_SECONDS
        + num_due(steps, options["save_every_n"], cadence) * SAVE_SECONDS
    )
