"""What a network of given options costs: weights, memory, arithmetic. Pure counting, before anything is built.

B  num_seqs     T  num_steps     H  lstm_size     L  num_layers     V  classes (vocabulary and "unknown")
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
"""Blocks of H columns in a classic cell's matrices."""

CONVOLVED = 6
"""Characters that the convolution before mingru's layers mixes."""

STORED = {"lstm": 12, "gru": 12, "rnn": 4, "mingru": 16}
"""Numbers of size H that a layer keeps per character for the way back, counted in its gradient."""


PASSES = {"lstm": 30, "gru": 30, "rnn": 30, "mingru": 115}
"""Times that a step reads or writes each number of size H that a layer has per character, beside products."""
PASSES_OVER_WEIGHTS, PASSES_OVER_SCORES = 110, 13
"""The same for each weight (in two number types, in parts of a batch, in the optimizer), and for each score."""


@dataclass(frozen=True)
class Work:
    """What one training step does."""

    large: float
    """Floating-point operations in products over all characters of the batch at once."""
    small: float
    """Those in products of single time steps, which wait for each other."""
    iterations: int
    """Iterations of time loops, each of which costs something whatever its size."""
    numbers: float
    """Numbers that are read or written beside products."""


def num_parameters(options: Mapping[str, Any], num_classes: int) -> int:
    """Return how many weights the network has.

    Args:
        options: Training options.
        num_classes: V.
    """
    units, depth = options["lstm_size"], options["num_layers"]
    output = units * num_classes + num_classes
    if options["cell"] == "mingru":
        size = options["embedding_size"] if options["use_embedding"] else units
        entry = size * units if size != units else 0
        return int(num_classes * size + entry + CONVOLVED * units + depth * (4 * units * units + units) + output)
    gates, biases = GATES[options["cell"]], 2 if options["cell"] == "gru" else 1
    size = options["embedding_size"] if options["use_embedding"] else num_classes
    table = num_classes * size if options["use_embedding"] else 0
    inputs = size + (depth - 1) * units
    return int(table + gates * units * (inputs + depth * (units + biases)) + output)


def training_bytes(options: Mapping[str, Any], num_classes: int) -> int:
    """Return about how many bytes a training needs beside the program itself.

    Weights, gradients and two moments, once more for the copies of a step, and one window of activations.
    """
    batch = options["num_seqs"] * options["num_steps"]
    kept = options["num_layers"] * options["lstm_size"] * STORED[options["cell"]]
    return int(2 * 16 * num_parameters(options, num_classes) + 4 * batch * (kept + 3 * num_classes))


def entry_work(characters: int, classes: int, size: int, columns: int) -> tuple[int, int]:
    """Return how many multiplications it takes, there and back, that characters enter by rows of a table `(classes,
    size)` and these by a matrix `(size, columns)`: with both multiplied first, and one after the other."""
    at_once = 3 * classes * size * columns + 2 * characters * classes * columns
    return at_once, 2 * characters * classes * size + 3 * characters * size * columns


def muon_work(options: Mapping[str, Any]) -> int:
    """Return how many operations it takes to make all directions orthogonal, where the optimizer does: three times two
    products of `(m, n)` and one of `(m, m)`, for each matrix between units."""
    if options["optimizer"] != "muon":
        return 0
    units, depth = options["lstm_size"], options["num_layers"]
    if options["cell"] == "mingru":
        shapes = [(units, 3 * units), (units, units)] * depth
    else:
        columns = GATES[options["cell"]] * units
        shapes = [(units, columns)] * (2 * depth - 1)
        if options["use_embedding"]:
            shapes.append((options["embedding_size"], columns))
    return sum(3 * 2 * (2 * min(shape) ** 2 * max(shape) + min(shape) ** 3) for shape in shapes)


def step_work(options: Mapping[str, Any], num_classes: int) -> Work:
    """Return what one training step does: two operations a weight and character, three times (there, and back to
    inputs and to weights), and passes over memory, whose numbers were fitted to networks of all kinds and sizes."""
    units, depth, steps = options["lstm_size"], options["num_layers"], options["num_steps"]
    characters = options["num_seqs"] * steps
    gates = GATES.get(options["cell"], 0)
    recurrent = depth * gates * units * units
    weights = num_parameters(options, num_classes)
    spared, size = 0, options["embedding_size"]
    if options["use_embedding"] and (gates or size != units):  # the fast cell adds rows of its own size to its sum
        at_once, one_by_one = entry_work(characters, num_classes, size, gates * units or units)
        spared = max(0, one_by_one - at_once)
    # the recurrent weights' own gradient is one large product; the other two thirds stay in the loop
    return Work(
        large=6.0 * characters * (weights - recurrent)
        + 2.0 * characters * recurrent
        - 2.0 * spared
        + muon_work(options),
        small=4.0 * characters * recurrent,
        iterations=2 * depth * steps,
        numbers=PASSES[options["cell"]] * characters * depth * units
        + PASSES_OVER_WEIGHTS * weights
        + PASSES_OVER_SCORES * characters * num_classes,
    )
