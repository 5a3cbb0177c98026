"""Do training steps: compute gradients, and update weights, optimizer and recurrent state.

The sequences of a batch are independent until their gradients are added, so each core processes a shard of the batch:
the time loops, which TensorFlow does not parallelize, then run side by side.

B  sequences     P  shards of a batch     T  characters in a sequence     V  classes
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from charrnn.core.errors import CheckpointError
from charrnn.model.compute.shard_count import num_shards
from charrnn.model.network.network import Network, State
from charrnn.model.training.weight_update import Arrays, Vectors, WeightUpdate

LEARNING = "learning/"
"""Prefix of the names of the trained weights in a checkpoint, if the result is their average."""


class TrainStep:
    """A network in training.

    `network` is trained. `result` is validated, saved and used for generation: the same network or, with the option
    `weight_average`, one whose weights are a running average of the trained ones (Polyak & Juditsky 1992).

    Args:
        options: Training options.
        num_classes: V.
        shards: P, a divisor of `num_seqs`; chosen for this machine if `None`.
    """

    def __init__(self, options: Mapping[str, Any], num_classes: int, shards: int | None = None):
        self._options = dict(options)
        self.network = Network(options, num_classes)
        self.result = self.network
        if options["weight_average"]:
            self.result = Network(options, num_classes)  # the same seed gives the same initial weights
        self._update = WeightUpdate(options, self.network, self.result)
        self.optimizer = self._update.optimizer
        # Keras callbacks access the optimizer through the model.
        self.result.compile(optimizer=self.optimizer, jit_compile=False)
        self._shards = shards or num_shards(options["num_seqs"])
        self._state = self._split_state(self.network.zero_state(options["num_seqs"]))
        self._learn = tf.function(self._gradients, autograph=False)
        self._run = tf.function(self._whole, autograph=False)

    def step(self, batch: npt.NDArray[np.int32], number: int, rate: float, *, restart: bool) -> tuple[float, float]:
        """Train on one batch.

        Args:
            batch: Shape `(B, T + 1)`: columns `0 … T-1` are the inputs, columns `1 … T` the targets.
            number: Number of the step, which with the seed determines the dropout masks.
            rate: Learning rate.
            restart: Reset the recurrent state.

        Returns:
            Mean cross-entropy of the batch in nats per character before the step, and the global norm of its
            gradients before clipping.
        """
        if restart:
            self._state = [[tf.zeros_like(tensor) for tensor in shard] for shard in self._state]
        seeds = np.array([self._seed(number, shard) for shard in range(self._shards)], np.int32)
        inputs = tf.constant(batch), self._state, tf.constant(seeds)
        metrics, self._state = self._run(*inputs, tf.constant(rate))
        loss, norm = metrics.numpy()
        return float(loss), float(norm)

    def initialize_output_bias(self, ids: npt.NDArray[Any]) -> None:
        """Set the output bias to the log-frequencies of the classes, which the first steps would learn otherwise.

        Args:
            ids: Part of the training text, any length, each in `0 … V-1`.
        """
        counts = np.bincount(ids, minlength=self.network.num_classes) + 0.5  # unseen classes stay possible
        for network in {id(network): network for network in (self.network, self.result)}.values():
            network.output_bias.assign(np.log(counts / counts.sum()))

    def _whole(
        self, batch: tf.Tensor, state: list[State], seeds: tf.Tensor, rate: tf.Tensor
    ) -> tuple[tf.Tensor, list[State]]:
        """Do a step as one graph, in which the shards run in parallel."""
        shards = zip(tf.split(batch, self._shards), state, tf.unstack(seeds), strict=True)
        losses, gradients, after = zip(*(self._learn(*shard) for shard in shards), strict=True)
        return self._update(list(losses), list(gradients), rate), list(after)

    def _gradients(self, batch: tf.Tensor, before: State, seed: tf.Tensor) -> tuple[tf.Tensor, Vectors, State]:
        """Process a shard; return its loss, the gradients of all weights and the state after it."""
        network = self.network
        with tf.GradientTape() as tape:
            losses, after = network.losses(
                batch, before, network.matmul_dtype, dropout_rate=network.dropout_rate, seed=seed
            )
            loss = tf.reduce_mean(losses)
        return loss, self._update.join(tape.gradient(loss, network.weights)), after

    def _seed(self, number: int, shard: int) -> int:
        # Collisions between steps, shards and seeds are rare, and wrapping is harmless.
        return (number + self._options["seed"] * 1_000_003 + shard * 0x9E3779B1) % 2**31

    def _split_state(self, state: list[Any]) -> list[State]:
        """Split every state `(B, units)` into those of the shards."""
        shards = zip(*(np.split(np.asarray(tensor), self._shards) for tensor in state), strict=True)
        return [[tf.constant(array) for array in shard] for shard in shards]

    def _joined_state(self) -> Arrays:
        return {
            f"memory/{number}": np.concatenate([np.asarray(tensor) for tensor in shards])
            for number, shards in enumerate(zip(*self._state, strict=True))
        }

    def weights(self) -> Arrays:
        """Return the weights of `result` by name."""
        return {variable.path: np.asarray(variable) for variable in self.result.weights}

    def training_state(self) -> Arrays:
        """Return everything else that is needed to resume exactly.

        These are the optimizer's variables, the recurrent state and, if `result` is an average, the trained weights.
        """
        arrays = self._update.state()
        if self.result is not self.network:
            arrays |= {f"{LEARNING}{variable.path}": np.asarray(variable) for variable in self.network.weights}
        return arrays | self._joined_state()

    def load(self, weights: Arrays, training_state: Arrays) -> bool:
        """Restore stored arrays.

        Returns:
            Whether the recurrent state was restored; if `num_seqs` has changed, it is reset to zero.

        Raises:
            CheckpointError: Arrays are missing or have other shapes.
        """
        load_weights(self.result, weights)
        learning = {n.removeprefix(LEARNING): a for n, a in training_state.items() if n.startswith(LEARNING)}
        load_weights(self.network, learning or weights)
        names = self._update.state()
        self._update.load({name: _fitting(training_state, name, array.shape) for name, array in names.items()})
        own = self._joined_state()
        stored = {name: training_state.get(name) for name in own}
        fits = all(array is not None and array.shape == own[name].shape for name, array in stored.items())
        self._state = self._split_state([stored[name] if fits else np.zeros_like(own[name]) for name in own])
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
        raise CheckpointError(f"The checkpoint has no {name!r}. It was saved with other options or another version.")
    if arrays[name].shape != tuple(shape):
        raise CheckpointError(
            f"The checkpoint's {name!r} has shape {arrays[name].shape}, but the network needs {tuple(shape)}. "
            f"It was saved with other options."
        )
    return arrays[name]
