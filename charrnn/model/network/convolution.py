"""A causal convolution: every character's vector is mixed with those just before it, each unit for itself.

K  characters that are mixed     T  time steps     B  sequences     H  units
"""

from typing import Any

import keras
import tensorflow as tf

from charrnn.model.compute.xla_compile import piece
from charrnn.model.network.initializers import StartValues

WIDTH = 6
"""K, the character itself among them."""
SPREAD = 0.3
"""Standard deviation of the start values for earlier characters, beside 1 for the newest."""


def _shifted(window: tf.Tensor, steps: int) -> list[tf.Tensor]:
    """Return what stood `0 … K-1` places before each step, from the vectors `(K - 1 + T, B, H)`."""
    return [window[WIDTH - 1 - back : WIDTH - 1 - back + steps] for back in range(WIDTH)]


@piece
def _forward(window: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    steps = window.shape[0] - WIDTH + 1
    return tf.add_n([kernel[back] * one for back, one in enumerate(_shifted(window, steps))])


@piece
def _backward(window: tf.Tensor, kernel: tf.Tensor, d: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    steps = d.shape[0]
    # a vector counts where it stood and in the K - 1 places after it
    after = tf.pad(d, [[WIDTH - 1, WIDTH - 1], [0, 0], [0, 0]])
    moved = [after[back : back + window.shape[0]] for back in range(WIDTH)]
    d_window = tf.add_n([kernel[back] * one for back, one in enumerate(moved)])

    def more(t: tf.Tensor, sums: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # the K vectors that step t has read, the oldest first
        return t + 1, sums + d[t] * tf.slice(window, (t, 0, 0), (WIDTH, *d.shape[1:]))

    # added up in a loop, which reads the numbers once: XLA makes slow windows of a sum over so many
    start = (0, tf.zeros((WIDTH, *d.shape[1:]), d.dtype))
    _, sums = tf.while_loop(lambda t, _: t < steps, more, start, maximum_iterations=steps)
    return d_window, tf.reverse(tf.reduce_sum(sums, 1), [0])


class Convolution(keras.layers.Layer):
    """Mixes each vector with the K - 1 before it: `y_t = Σ_k kernel_k ⊙ x_{t-k}`.

    A gated linear recurrence opens its gates by the newest character alone; with this, the first layer sees a few at
    once. Its memory is what it read last.

    Args:
        units: H.
        start: Makes the start values.
    """

    num_states = WIDTH - 1

    def __init__(self, units: int, *, start: StartValues, name: str):
        super().__init__(name=name)
        self.units = units
        self.kernel = self.add_weight((WIDTH, units), start.newest_first(SPREAD), name="kernel")
        self.built = True

    def call(self, x: tf.Tensor, state: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Read `(T, B, H)`; give the same shape, and the last K - 1 vectors `(B, H)`, the newest last."""

        @tf.custom_gradient
        def run(window: tf.Tensor, kernel: tf.Tensor) -> Any:
            return _forward(window, kernel), lambda d: _backward(window, kernel, d)

        window = tf.concat([tf.stack(state), x], 0)
        return run(window, tf.convert_to_tensor(self.kernel)), tf.unstack(window[-self.num_states :])
