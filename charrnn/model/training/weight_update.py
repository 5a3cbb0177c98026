"""Update all weights at the end of a training step, as a few long vectors.

One vector holds all matrices, one all biases, which do not decay, and with Muon a third one the matrices that it
updates. Three long vectors compile faster than some thirty separate arrays.
"""

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from charrnn.model.network.network import Network
from charrnn.model.training import muon
from charrnn.model.training.optimizer import clipped, make_optimizer

Arrays = dict[str, npt.NDArray[Any]]
Vectors = list[tf.Tensor]
"""Arrays with the shapes of a network's weights, joined to one vector of matrices, one of biases and, with Muon, one of
the matrices that it updates."""

KINDS = ("matrices", "biases", "inner")


class WeightUpdate:
    """Update a network's weights, and those of the network that is their running average.

    Args:
        options: Training options.
        network: The network to update.
        result: The network with the averaged weights; the same network if `weight_average` is 0.
    """

    def __init__(self, options: Mapping[str, Any], network: Network, result: Network):
        self._options, self._network, self._result = options, network, result
        self._shapes = [tuple(variable.shape) for variable in network.weights]
        inner = [variable.path for variable in network.hidden_matrices] if options["optimizer"] == "muon" else []
        self._members: list[list[int]] = [[], [], []] if inner else [[], []]
        for number, variable in enumerate(network.weights):
            self._members[2 if variable.path in inner else 0 if len(variable.shape) > 1 else 1].append(number)
        self._vectors, self._momentum = self._zeros(0, 2), []
        self.optimizer = make_optimizer(options, self._vectors, without_decay=self._vectors[1])
        if inner:
            with keras.name_scope(self.optimizer.name):
                self._momentum = self._zeros(2, 3, "_momentum")
        self._muon_direction = tf.function(self._direction, jit_compile=True, autograph=False)
        self._updated = tf.function(self._update, jit_compile=True, autograph=False)
        self._run = tf.function(self._apply, autograph=False)

    def __call__(self, losses: list[tf.Tensor], gradients: list[Vectors], rate: tf.Tensor) -> tf.Tensor:
        """Update the weights by the mean gradients of the shards of a batch.

        Args:
            losses: The loss of each shard.
            gradients: The gradients of each shard, as returned by `join`.
            rate: Learning rate.

        Returns:
            The mean loss, and the global norm of the mean gradients before clipping; shape `(2,)`.
        """
        metrics: tf.Tensor = self._run(losses, gradients, rate)
        return metrics

    def join(self, arrays: list[Any]) -> Vectors:
        """Join arrays with the shapes of the network's weights, in their order; an empty list gives an empty list."""
        if not arrays:
            return []
        flat = [tf.reshape(tf.convert_to_tensor(array), [-1]) for array in arrays]
        return [tf.concat([flat[number] for number in members], 0) for members in self._members]

    def split(self, vector: Any, kind: int) -> list[tuple[int, tf.Tensor]]:
        """Split one of the vectors; return each array with the index of its weight."""
        members = self._members[kind]
        flat = tf.split(vector, [self._size(number) for number in members])
        return [(number, tf.reshape(one, self._shapes[number])) for number, one in zip(members, flat, strict=True)]

    def state(self) -> Arrays:
        """Return the optimizer's variables by name; those that belong to weights are split by weight."""
        arrays: Arrays = {}
        for variable in self._variables:
            arrays |= {name: np.asarray(array) for name, array in self._stored(variable, variable.value)}
        return arrays

    def load(self, arrays: Arrays) -> None:
        """Restore the optimizer's variables from arrays with the names and shapes that `state` returns."""
        for variable in self._variables:
            flat = [np.reshape(arrays[name], -1) for name, _ in self._stored(variable, variable.value)]
            variable.assign(np.reshape(np.concatenate(flat), variable.shape))

    def _stored(self, variable: keras.Variable, value: tf.Tensor) -> list[tuple[str, tf.Tensor]]:
        """Return the arrays of one of the optimizer's variables, with the names that Keras would give them."""
        folder, name = variable.path.split("/", 1)
        for kind, prefix in enumerate(KINDS):
            if name.startswith(f"{prefix}_"):
                paths = [weight.path.replace("/", "_") for weight in self._network.weights]
                suffix = name.removeprefix(prefix)
                arrays = self.split(value, kind)
                return [(f"optimizer/{folder}/{paths[number]}{suffix}", array) for number, array in arrays]
        return [(f"optimizer/{variable.path}", value)]

    def _apply(self, losses: list[tf.Tensor], shards: list[Vectors], rate: tf.Tensor) -> tf.Tensor:
        weights, averages = self.join(self._network.weights), self.join(self._averages())
        metrics, weights, averages = self._updated(losses, shards, weights, averages, self._muon_updates(shards), rate)
        for target, vectors in ((self._network, weights), (self._result, averages)):
            for kind, vector in enumerate(vectors):
                for number, array in self.split(vector, kind):
                    target.weights[number].assign(array)
        return metrics

    def _muon_updates(self, shards: list[Vectors]) -> Vectors:
        """Return Muon's updates at a learning rate of 1, as one vector; its products stay outside of XLA."""
        if not self._momentum:
            return []
        direction = self._muon_direction([vectors[2] for vectors in shards])
        updates = muon.updates([matrix for _, matrix in self.split(direction, 2)], self._network.matmul_dtype)
        return [tf.concat([tf.reshape(update, [-1]) for update in updates], 0)]

    def _direction(self, gradients: list[tf.Tensor]) -> tf.Tensor:
        (momentum,) = self._momentum
        new, direction = muon.nesterov_momentum(momentum.value, tf.add_n(gradients) / len(gradients))
        momentum.assign(new)
        return direction

    def _update(
        self,
        losses: list[tf.Tensor],
        shards: list[Vectors],
        weights: Vectors,
        averages: Vectors,
        muon_updates: Vectors,
        rate: tf.Tensor,
    ) -> tuple[tf.Tensor, Vectors, Vectors]:
        """Return loss and gradient norm, the new weights and the new averages."""
        gradients = [tf.add_n(vectors) / len(shards) for vectors in zip(*shards, strict=True)]
        norm = tf.linalg.global_norm(gradients)
        for variable, vector in zip(self._vectors, weights[:2], strict=True):
            variable.assign(vector)
        self.optimizer.learning_rate.assign(rate)
        self.optimizer.apply(clipped(gradients[:2], norm, self._options), self._vectors)
        decay = self._options["weight_decay"]
        inner = [old - rate * (decay * old + update) for old, update in zip(weights[2:], muon_updates, strict=True)]
        weights = [*(variable.value for variable in self._vectors), *inner]
        if averages:  # with a shorter memory at first, when the weights change fast
            step = tf.cast(self.optimizer.iterations.value, tf.float32)
            kept = tf.minimum(self._options["weight_average"], step / (step + 5))
            averages = [kept * old + (1 - kept) * new for old, new in zip(averages, weights, strict=True)]
        return tf.stack([tf.add_n(losses) / len(losses), norm]), weights, averages

    @property
    def _variables(self) -> list[keras.Variable]:
        return [*self.optimizer.variables, *self._momentum]

    def _zeros(self, first: int, end: int, suffix: str = "") -> list[keras.Variable]:
        """Create a vector of zeros for each of KINDS[first:end]."""
        sizes = [sum(map(self._size, members)) for members in self._members[first:end]]
        names = [f"{kind}{suffix}" for kind in KINDS[first:end]]
        return [keras.Variable(np.zeros(size, "float32"), name=name) for name, size in zip(names, sizes, strict=True)]

    def _averages(self) -> list[keras.Variable]:
        return [] if self._result is self._network else self._result.weights

    def _size(self, number: int) -> int:
        return math.prod(self._shapes[number])
