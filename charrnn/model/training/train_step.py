"""One training step, with everything that it changes: weights, optimizer, memory.

The sequences of a batch know nothing of each other until their gradients meet, so each processor learns from a part of
them: loops over time, which no library spreads over processors, then run side by side.

B  sequences     P  parts of a batch     T  characters in a sequence     V  classes
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from charrnn.core.errors import CheckpointError
from charrnn.model.compute.sharding import num_shards
from charrnn.model.network.network import Network, State
from charrnn.model.training.weight_update import Arrays, Update, Vectors

LEARNING = "learning/"
"""Begin of the names of the weights that learn, where others are the result."""


class Engine:
    """A network in training.

    `network` learns. `result` is what is validated, saved and written with: the same one, or one whose weights are the
    running average of those of the first (Polyak & Juditsky 1992), as the option `weight_average` says.

    Args:
        options: Training options.
        num_classes: V.
        parts: P, a divisor of `num_seqs`; what suits the machine if missing.
    """

    def __init__(self, options: Mapping[str, Any], num_classes: int, parts: int | None = None):
        self._options = dict(options)
        self.network = Network(options, num_classes)
        self.result = self.network
        if options["weight_average"]:
            self.result = Network(options, num_classes)  # with the same seed, so it begins with the same weights
        self._update = Update(options, self.network, self.result)
        self.optimizer = self._update.optimizer
        # Keras callbacks look for the optimizer on the model
        self.result.compile(optimizer=self.optimizer, jit_compile=False)
        self._parts = parts or num_shards(options["num_seqs"])
        self._memory = self._cut(self.network.zero_state(options["num_seqs"]))
        self._learn = tf.function(self._gradients, autograph=False)
        self._run = tf.function(self._whole, autograph=False)

    def step(self, batch: npt.NDArray[np.int32], number: int, rate: float, *, restart: bool) -> tuple[float, float]:
        """Learn from one batch.

        Args:
            batch: Shape `(B, T + 1)`: inputs and, one further, targets.
            number: Number of the step; decides with the seed which units drop.
            rate: Learning rate.
            restart: Forget what was read before.

        Returns:
            Mean cross-entropy of the batch in nats per character before the step, and the global norm of its
            gradients before they were limited.
        """
        if restart:
            self._memory = [[tf.zeros_like(memory) for memory in part] for part in self._memory]
        seeds = np.array([self._seed(number, part) for part in range(self._parts)], np.int32)
        own = tf.constant(batch), self._memory, tf.constant(seeds)
        told, self._memory = self._run(*own, tf.constant(rate))
        loss, norm = told.numpy()
        return float(loss), float(norm)

    def expect(self, ids: npt.NDArray[Any]) -> None:
        """Begin with scores that say how often each class occurs, which is what the first steps would learn otherwise.

        Args:
            ids: Some of the text to learn, any length, each in `0 … V-1`.
        """
        counts = np.bincount(ids, minlength=self.network.num_classes) + 0.5  # what does not occur is not impossible
        for network in {id(one): one for one in (self.network, self.result)}.values():
            network.output_bias.assign(np.log(counts / counts.sum()))

    def _pieces(
        self, batch: tf.Tensor, memory: list[State], seeds: tf.Tensor
    ) -> list[tuple[tf.Tensor, State, tf.Tensor]]:
        return list(zip(tf.split(batch, self._parts), memory, tf.unstack(seeds), strict=True))

    def _whole(
        self, batch: tf.Tensor, memory: list[State], seeds: tf.Tensor, rate: tf.Tensor
    ) -> tuple[tf.Tensor, list[State]]:
        """Do a step as one graph, whose parts run side by side since none needs what another one gives."""
        found = [self._learn(*piece) for piece in self._pieces(batch, memory, seeds)]
        losses, gradients, after = zip(*found, strict=True)
        return self._update(list(losses), list(gradients), rate), list(after)

    def _gradients(self, batch: tf.Tensor, before: State, seed: tf.Tensor) -> tuple[tf.Tensor, Vectors, State]:
        """Read a part of the batch; return its loss, the gradients of all weights and the memory after it."""
        network = self.network
        with tf.GradientTape() as tape:
            losses, after = network.losses(
                batch, before, network.matmul_dtype, dropout_rate=network.dropout_rate, seed=seed
            )
            loss = tf.reduce_mean(losses)
        return loss, self._update.joined(tape.gradient(loss, network.weights)), after

    def _seed(self, number: int, part: int) -> int:
        # distinct steps and parts of distinct seeds get distinct numbers often enough; wrapping is harmless
        return (number + self._options["seed"] * 1_000_003 + part * 0x9E3779B1) % 2**31

    def _cut(self, memory: list[Any]) -> list[State]:
        """Cut every memory `(B, units)` into those of the parts."""
        parts = zip(*(np.split(np.asarray(one), self._parts) for one in memory), strict=True)
        return [[tf.constant(one) for one in part] for part in parts]

    def _whole_memory(self) -> Arrays:
        return {
            f"memory/{number}": np.concatenate([np.asarray(one) for one in own])
            for number, own in enumerate(zip(*self._memory, strict=True))
        }

    def weights(self) -> Arrays:
        """Return the result's weights by name."""
        return {variable.path: np.asarray(variable) for variable in self.result.weights}

    def training_state(self) -> Arrays:
        """Return what else a training needs to go on exactly: the optimizer's variables, the memory, and the weights
        that learn where the result is their average."""
        arrays = self._update.state()
        if self.result is not self.network:
            arrays |= {f"{LEARNING}{variable.path}": np.asarray(variable) for variable in self.network.weights}
        return arrays | self._whole_memory()

    def load(self, weights: Arrays, training_state: Arrays) -> bool:
        """Go on from stored arrays.

        Returns:
            Whether the memory fitted; it does not when `num_seqs` has changed, and then starts at zero.

        Raises:
            CheckpointError: Arrays are missing or have other shapes.
        """
        load_weights(self.result, weights)
        learning = {n.removeprefix(LEARNING): a for n, a in training_state.items() if n.startswith(LEARNING)}
        load_weights(self.network, learning or weights)
        names = self._update.state()
        self._update.load({name: _fitting(training_state, name, array.shape) for name, array in names.items()})
        own = self._whole_memory()
        stored = {name: training_state.get(name) for name in own}
        fits = all(array is not None and array.shape == own[name].shape for name, array in stored.items())
        self._memory = self._cut([stored[name] if fits else np.zeros_like(own[name]) for name in own])
        return fits


def load_weights(network: Network, weights: Arrays) -> None:
    """Set a network's weights.

    Raises:
        CheckpointError: Weights are missing or have other shapes.
    """
    for variable in network.weights:
        variable.assign(_fitting(weights, variable.path, variable.shape))


def _fitting(arrays: Arrays, name: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    if name not in arrays:
        raise CheckpointError(f"The checkpoint holds no {name!r}; it was made by other options or another version.")
    if arrays[name].shape != tuple(shape):
        raise CheckpointError(
            f"The checkpoint's {name!r} has shape {arrays[name].shape}, the network needs {tuple(shape)}; "
            f"it was made by other options."
        )
    return arrays[name]
