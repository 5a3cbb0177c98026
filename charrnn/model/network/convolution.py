"""Causal depthwise convolution: each character's vector is mixed with those of the preceding characters.

K  kernel size     T  time steps     B  sequences     H  hidden units
"""

from typing import Any

import keras
import tensorflow as tf

from charrnn.model.compute.xla_kernels import xla_kernel
from charrnn.model.network.initializers import Initializers

KERNEL_SIZE = 6
"""K, including the character itself."""
STDDEV = 0.3
"""Standard deviation of the initial weights of earlier characters; the newest starts at 1."""


def _shifted(window: tf.Tensor, steps: int) -> list[tf.Tensor]:
    """Return the vectors `0 … K-1` positions before each step, from a window `(K - 1 + T, B, H)`."""
    return [window[KERNEL_SIZE - 1 - back : KERNEL_SIZE - 1 - back + steps] for back in range(KERNEL_SIZE)]


@xla_kernel
def _forward(window: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    steps = window.shape[0] - KERNEL_SIZE + 1
    return tf.add_n([kernel[back] * vectors for back, vectors in enumerate(_shifted(window, steps))])


@xla_kernel
def _backward(window: tf.Tensor, kernel: tf.Tensor, d: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    steps = d.shape[0]
    # A vector contributes at its own position and at the K - 1 positions after it.
    after = tf.pad(d, [[KERNEL_SIZE - 1, KERNEL_SIZE - 1], [0, 0], [0, 0]])
    moved = [after[back : back + window.shape[0]] for back in range(KERNEL_SIZE)]
    d_window = tf.add_n([kernel[back] * gradient for back, gradient in enumerate(moved)])

    def accumulate(t: tf.Tensor, sums: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # The K vectors that step t has read, oldest first.
        return t + 1, sums + d[t] * tf.slice(window, (t, 0, 0), (KERNEL_SIZE, *d.shape[1:]))

    # A loop reads the numbers once; XLA compiles a sum over so many steps to slow window operations.
    start = (0, tf.zeros((KERNEL_SIZE, *d.shape[1:]), d.dtype))
    _, sums = tf.while_loop(lambda t, _: t < steps, accumulate, start, maximum_iterations=steps)
    return d_window, tf.reverse(tf.reduce_sum(sums, 1), [0])


class Convolution(keras.layers.Layer):
    """Mix each vector with the K - 1 preceding ones: `y_t = Σ_k kernel_k ⊙ x_{t-k}`.

    The gates of a gated linear recurrence depend on the newest character only; the convolution lets the first layer
    see several characters at once. The state consists of the last K - 1 vectors.

    Args:
        units: H.
        initializers: Creates the initializers of the weights.
    """

    num_states = KERNEL_SIZE - 1

    def __init__(self, units: int, *, initializers: Initializers, name: str):
        super().__init__(name=name)
        self.units = units
        self.kernel = self.add_weight((KERNEL_SIZE, units), initializers.convolution(STDDEV), name="kernel")
        self.built = True

    def call(self, x: tf.Tensor, state: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Convolve `(T, B, H)`; return the same shape, and the last K - 1 vectors `(B, H)`, newest last."""

        @tf.custom_gradient
        def run(window: tf.Tensor, kernel: tf.Tensor) -> Any:
            return _forward(window, kernel), lambda d: _backward(window, kernel, d)

        window = tf.concat([tf.stack(state), x], 0)
        return run(window, tf.convert_to_tensor(self.kernel)), tf.unstack(window[-self.num_states :])
