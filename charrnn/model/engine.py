"""One training step, compiled to a single program, with everything that it changes: weights, optimizer, memory.

B  sequences     T  characters in a sequence     V  classes
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from charrnn.core.errors import CheckpointError
from charrnn.model.network import Network
from charrnn.model.optimizer import limited, make_optimizer

Arrays = dict[str, npt.NDArray[Any]]


class Engine:
    """A network in training.

    Args:
        options: Training options.
        num_classes: V.
    """

    def __init__(self, options: Mapping[str, Any], num_classes: int):
        self._options = dict(options)
        self.network = Network(options, num_classes)
        self.optimizer = make_optimizer(options, self.network)
        # Keras callbacks look for the optimizer on the model
        self.network.compile(optimizer=self.optimizer, jit_compile=False)
        self._state = [tf.Variable(zeros) for zeros in self.network.zero_state(options["num_seqs"])]
        self._compiled = tf.function(self._step, jit_compile=True, autograph=False)

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
        result = self._compiled(batch, np.int32(number % 2**31), np.float32(rate), np.bool_(restart)).numpy()
        return float(result[0]), float(result[1])

    def _step(self, batch: tf.Tensor, number: tf.Tensor, rate: tf.Tensor, restart: tf.Tensor) -> tf.Tensor:
        before = [tf.where(restart, tf.zeros_like(memory), memory) for memory in self._state]
        variables = self.network.trainable_variables
        with tf.GradientTape() as tape:
            logits, after = self.network(batch[:, :-1], state=before, training=True, seed=self._seed(number))
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.transpose(batch[:, 1:]), logits=logits)
            loss = tf.reduce_mean(losses)
        gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, variables)]
        norm = tf.linalg.global_norm(gradients)
        self.optimizer.learning_rate.assign(rate)
        self.optimizer.apply(limited(gradients, norm, self._options), variables)
        for memory, value in zip(self._state, after, strict=True):
            memory.assign(value)
        return tf.stack([loss, norm])

    def _seed(self, number: tf.Tensor) -> tf.Tensor:
        # distinct steps of distinct seeds get distinct numbers often enough; wrapping is harmless
        return number + tf.constant(self._options["seed"] * 1_000_003 % 2**31, tf.int32)

    def weights(self) -> Arrays:
        """Return the network's weights by name."""
        return {variable.path: np.asarray(variable) for variable in self.network.weights}

    def training_state(self) -> Arrays:
        """Return what else a training needs to go on exactly: the optimizer's variables and the memory."""
        arrays = {f"optimizer/{variable.path}": np.asarray(variable) for variable in self.optimizer.variables}
        return arrays | {f"memory/{number}": memory.numpy() for number, memory in enumerate(self._state)}

    def load(self, weights: Arrays, training_state: Arrays) -> bool:
        """Go on from stored arrays.

        Returns:
            Whether the memory fitted; it does not when `num_seqs` has changed, and then starts at zero.

        Raises:
            CheckpointError: Arrays are missing or have other shapes.
        """
        load_weights(self.network, weights)
        for variable in self.optimizer.variables:
            variable.assign(_fitting(training_state, f"optimizer/{variable.path}", variable.shape))
        memory = [training_state.get(f"memory/{number}") for number in range(len(self._state))]
        fits = all(m is not None and m.shape == tuple(own.shape) for m, own in zip(memory, self._state, strict=True))
        for own, stored in zip(self._state, memory, strict=True):
            own.assign(stored if fits else tf.zeros_like(own))
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
