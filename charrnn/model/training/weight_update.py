"""The end of a step: all weights are changed at once, as a few long vectors: one of matrices, one of biases, which do
not decay, and with Muon one of the matrices that it changes. A compiled program that knew each of some thirty arrays
took a second more at the start of every training.
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
from charrnn.model.training.optimizer import limited, make_optimizer

Arrays = dict[str, npt.NDArray[Any]]
Vectors = list[tf.Tensor]
"""The numbers of arrays like a network's weights: those of all matrices in one vector, of all biases in another, and of
what Muon changes in a third."""

KINDS = ("matrices", "biases", "inner")


class Update:
    """Changes a network's weights, and those of the network that is their running average.

    Args:
        options: Training options.
        network: Its weights change.
        result: Follows them, as the option `weight_average` says; the same network where there is no average.
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
        self._directed = tf.function(self._direct, jit_compile=True, autograph=False)
        self._changed = tf.function(self._change, jit_compile=True, autograph=False)
        self._run = tf.function(self._apply, autograph=False)

    def __call__(self, losses: list[tf.Tensor], gradients: list[Vectors], rate: tf.Tensor) -> tf.Tensor:
        """Change the weights by the mean of what each part of a batch found.

        Args:
            losses: The loss of each part.
            gradients: Its gradients, as `joined` gives them.
            rate: Learning rate.

        Returns:
            The mean loss, and the global norm of the mean gradients before they were limited; shape `(2,)`.
        """
        told: tf.Tensor = self._run(losses, gradients, rate)
        return told

    def joined(self, arrays: list[Any]) -> Vectors:
        """Join arrays with the shapes of the network's weights, in their order; none give none."""
        if not arrays:
            return []
        flat = [tf.reshape(tf.convert_to_tensor(array), [-1]) for array in arrays]
        return [tf.concat([flat[number] for number in members], 0) for members in self._members]

    def cut(self, vector: Any, kind: int) -> list[tuple[int, tf.Tensor]]:
        """Cut one of the vectors; give each array with the number of its weight."""
        members = self._members[kind]
        pieces = tf.split(vector, [self._size(number) for number in members])
        return [(number, tf.reshape(one, self._shapes[number])) for number, one in zip(members, pieces, strict=True)]

    def state(self) -> Arrays:
        """Return the optimizer's variables by name, those that belong to weights apart for each weight."""
        arrays: Arrays = {}
        for variable in self._variables:
            arrays |= {name: np.asarray(one) for name, one in self._stored(variable, variable.value)}
        return arrays

    def load(self, arrays: Arrays) -> None:
        """Set the optimizer's variables from arrays with the names and shapes that `state` gives."""
        for variable in self._variables:
            flat = [np.reshape(arrays[name], -1) for name, _ in self._stored(variable, variable.value)]
            variable.assign(np.reshape(np.concatenate(flat), variable.shape))

    def _stored(self, variable: keras.Variable, value: tf.Tensor) -> list[tuple[str, tf.Tensor]]:
        """Give the arrays of one of the optimizer's variables, with the names that Keras would give them."""
        folder, name = variable.path.split("/", 1)
        for kind, begin in enumerate(KINDS):
            if name.startswith(f"{begin}_"):
                paths = [weight.path.replace("/", "_") for weight in self._network.weights]
                what = name.removeprefix(begin)
                return [(f"optimizer/{folder}/{paths[number]}{what}", one) for number, one in self.cut(value, kind)]
        return [(f"optimizer/{variable.path}", value)]

    def _apply(self, losses: list[tf.Tensor], parts: list[Vectors], rate: tf.Tensor) -> tf.Tensor:
        weights, averages = self.joined(self._network.weights), self.joined(self._averages())
        told, weights, averages = self._changed(losses, parts, weights, averages, self._inner_changes(parts), rate)
        for target, vectors in ((self._network, weights), (self._result, averages)):
            for kind, vector in enumerate(vectors):
                for number, one in self.cut(vector, kind):
                    target.weights[number].assign(one)
        return told

    def _inner_changes(self, parts: list[Vectors]) -> Vectors:
        """Return by what Muon changes its matrices at a rate of 1, as one vector; its products stay outside XLA."""
        if not self._momentum:
            return []
        directions = [matrix for _, matrix in self.cut(self._directed([vectors[2] for vectors in parts]), 2)]
        changes = muon.changes(directions, self._network.matmul_dtype)
        return [tf.concat([tf.reshape(one, [-1]) for one in changes], 0)]

    def _direct(self, gradients: list[tf.Tensor]) -> tf.Tensor:
        (momentum,) = self._momentum
        changed, direction = muon.directed(momentum.value, tf.add_n(gradients) / len(gradients))
        momentum.assign(changed)
        return direction

    def _change(
        self,
        losses: list[tf.Tensor],
        parts: list[Vectors],
        weights: Vectors,
        averages: Vectors,
        inner_changes: Vectors,
        rate: tf.Tensor,
    ) -> tuple[tf.Tensor, Vectors, Vectors]:
        """Return loss and norm, the new weights and the new averages."""
        gradients = [tf.add_n(own) / len(parts) for own in zip(*parts, strict=True)]
        norm = tf.linalg.global_norm(gradients)
        for variable, vector in zip(self._vectors, weights[:2], strict=True):
            variable.assign(vector)
        self.optimizer.learning_rate.assign(rate)
        self.optimizer.apply(limited(gradients[:2], norm, self._options), self._vectors)
        decay = self._options["weight_decay"]
        inner = [old - rate * (decay * old + change) for old, change in zip(weights[2:], inner_changes, strict=True)]
        weights = [*(variable.value for variable in self._vectors), *inner]
        if averages:  # they follow more closely at first, when the weights change fast
            step = tf.cast(self.optimizer.iterations.value, tf.float32)
            stays = tf.minimum(self._options["weight_average"], step / (step + 5))
            averages = [stays * old + (1 - stays) * new for old, new in zip(averages, weights, strict=True)]
        return tf.stack([tf.add_n(losses) / len(losses), norm]), weights, averages

    @property
    def _variables(self) -> list[keras.Variable]:
        return [*self.optimizer.variables, *self._momentum]

    def _zeros(self, first: int, end: int, what: str = "") -> list[keras.Variable]:
        """Make vectors of zeros for some kinds."""
        sizes = [sum(map(self._size, members)) for members in self._members[first:end]]
        names = [f"{kind}{what}" for kind in KINDS[first:end]]
        return [keras.Variable(np.zeros(size, "float32"), name=name) for name, size in zip(names, sizes, strict=True)]

    def _averages(self) -> list[keras.Variable]:
        return [] if self._result is self._network else self._result.weights

    def _size(self, number: int) -> int:
        return math.prod(self._shapes[number])
