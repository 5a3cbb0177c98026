"""Estimate the parameters, memory and arithmetic of a network from its options, without building it.

B  num_seqs     T  num_steps     H  lstm_size     L  num_layers     V  classes (vocabulary and "unknown")
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
"""Number of gates of each classic cell; each gate is a block of H columns in the cell's matrices."""

CONVOLUTION_SIZE = 6
"""Kernel size of the convolution before mingru's layers, in characters."""

ACTIVATIONS = {"lstm": 12, "gru": 12, "rnn": 4, "mingru": 16}
"""Values per hidden unit and character that a layer stores for backpropagation."""

MEMORY_ACCESSES = {"lstm": 30, "gru": 30, "rnn": 30, "mingru": 115}
"""Values read and written per hidden unit and character in one training step, outside matrix products (fitted)."""
ACCESSES_PER_PARAMETER, ACCESSES_PER_LOGIT = 110, 13
"""Values read and written per parameter (in two data types, the shards of a batch and the optimizer) and per logit."""


@dataclass(frozen=True)
class StepCost:
    """The arithmetic and memory traffic of one training step."""

    batched_flops: float
    """Floating-point operations in matrix products over all characters of the batch."""
    sequential_flops: float
    """Floating-point operations in matrix products of single time steps, which must be computed in order."""
    loop_iterations: int
    """Iterations of time loops; each has a fixed cost."""
    memory_accesses: float
    """Values read and written outside matrix products."""


def num_parameters(options: Mapping[str, Any], num_classes: int) -> int:
    """Return the parameter count of the network.

    Args:
        options: Training options.
        num_classes: V.
    """
    units, depth = options["lstm_size"], options["num_layers"]
    output = units * num_classes + num_classes
    if options["cell"] == "mingru":
        size = options["embedding_size"] if options["use_embedding"] else units
        projection = size * units if size != units else 0
        return int(
            num_classes * size + projection + CONVOLUTION_SIZE * units + depth * (4 * units * units + units) + output
        )
    gates, biases = GATES[options["cell"]], 2 if options["cell"] == "gru" else 1
    size = options["embedding_size"] if options["use_embedding"] else num_classes
    table = num_classes * size if options["use_embedding"] else 0
    inputs = size + (depth - 1) * units
    return int(table + gates * units * (inputs + depth * (units + biases)) + output)


def training_bytes(options: Mapping[str, Any], num_classes: int) -> int:
    """Estimate the memory of a training in bytes, without that of the program.

    The estimate includes weights, gradients, two moments, temporary copies and the activations of one batch.
    """
    batch = options["num_seqs"] * options["num_steps"]
    activations = options["num_layers"] * options["lstm_size"] * ACTIVATIONS[options["cell"]]
    return int(2 * 16 * num_parameters(options, num_classes) + 4 * batch * (activations + 3 * num_classes))


def input_projection_cost(characters: int, classes: int, size: int, columns: int) -> tuple[int, int]:
    """Count the multiplications of an embedding `(classes, size)` followed by a matrix `(size, columns)`.

    Returns:
        Two numbers of multiplications, each for the forward and the backward pass: if the two matrices are multiplied
        first, and if each character is embedded and then projected.
    """
    combined = 3 * classes * size * columns + 2 * characters * classes * columns
    return combined, 2 * characters * classes * size + 3 * characters * size * columns


def muon_flops(options: Mapping[str, Any]) -> int:
    """Return the floating-point operations of Muon's orthogonalization in one step; 0 for other optimizers.

    Each of the three iterations for a matrix of shape `(m, n)`, m ≤ n, between hidden units takes two products of
    2 m² n operations and one of 2 m³.
    """
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


def step_cost(options: Mapping[str, Any], num_classes: int) -> StepCost:
    """Estimate the cost of one training step.

    A step takes six operations per parameter and character: two each in the forward pass, for the gradients of the
    inputs and for those of the weights. The constants of the memory traffic were fitted to measurements of networks
    with all cells and many sizes.
    """
    units, depth, steps = options["lstm_size"], options["num_layers"], options["num_steps"]
    characters = options["num_seqs"] * steps
    gates = GATES.get(options["cell"], 0)
    recurrent = depth * gates * units * units
    parameters = num_parameters(options, num_classes)
    saved, size = 0, options["embedding_size"]
    if options["use_embedding"] and (gates or size != units):  # mingru adds embeddings of H numbers without projection
        combined, separate = input_projection_cost(characters, num_classes, size, gates * units or units)
        saved = max(0, separate - combined)
    # The gradient of the recurrent weights is one large product; the other two thirds are computed in the time loop.
    return StepCost(
        batched_flops=6.0 * characters * (parameters - recurrent)
        + 2.0 * characters * recurrent
        - 2.0 * saved
        + muon_flops(options),
        sequential_flops=4.0 * characters * recurrent,
        loop_iterations=2 * depth * steps,
        memory_accesses=MEMORY_ACCESSES[options["cell"]] * characters * depth * units
        + ACCESSES_PER_PARAMETER * parameters
        + ACCESSES_PER_LOGIT * characters * num_classes,
    )
