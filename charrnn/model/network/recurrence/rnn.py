"""Time loop of the simple RNN."""

import tensorflow as tf

from charrnn.model.compute.xla_kernels import xla_kernel
from charrnn.model.network.recurrence.shared_operations import (
    previous_states,
    recurrent_gradient,
    recurrent_matmul,
    tensor_arrays,
    transposed,
)


@xla_kernel
def _forward(xz: tf.Tensor, bias: tf.Tensor, recurrent: tf.Tensor, h0: tf.Tensor) -> tuple[tf.Tensor, ...]:
    steps, matrix = xz.shape[0], tf.cast(recurrent, xz.dtype)
    xz = tf.cast(xz, h0.dtype) + bias
    (hs,) = tensor_arrays(steps, h0.dtype, h0.shape)

    def forward(t, h, hs):
        h = tf.tanh(xz[t] + recurrent_matmul(h, matrix))
        return t + 1, h, hs.write(t, h)

    _, last, hs = tf.while_loop(lambda t, *_: t < steps, forward, (0, h0, hs), maximum_iterations=steps)
    return hs.stack(), last


@xla_kernel
def _backward(
    recurrent_transposed: tf.Tensor, h0: tf.Tensor, hs: tf.Tensor, d_hs: tf.Tensor, d_last: tf.Tensor, *, dtype: str
) -> tuple[tf.Tensor, ...]:
    steps, slope = hs.shape[0], 1 - hs * hs
    (dzs,) = tensor_arrays(steps, h0.dtype, h0.shape)

    def backward(k, dh, dzs):
        t = steps - 1 - k
        dz = (dh + d_hs[t]) * slope[t]
        return k + 1, recurrent_matmul(dz, recurrent_transposed), dzs.write(t, dz)

    _, d_h0, dzs = tf.while_loop(lambda k, *_: k < steps, backward, (0, d_last, dzs), maximum_iterations=steps)
    dzs = dzs.stack()
    return tf.cast(dzs, dtype), tf.reduce_sum(dzs, (0, 1)), d_h0, tf.cast(previous_states(h0, hs), dtype)


def rnn(xz: tf.Tensor, bias: tf.Tensor, recurrent: tf.Tensor, h0: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Run a simple RNN: `h_t = tanh(xz_t + bias + h_{t-1} · recurrent)` (Elman 1990).

    Args:
        xz: Input products, shape `(T, B, H)`.
        bias: Shape `(H,)`.
        recurrent: Shape `(H, H)`.
        h0: Shape `(B, H)`.

    Returns:
        `h` after every step, shape `(T, B, H)`, and after the last, shape `(B, H)`.
    """

    @tf.custom_gradient
    def run(xz, bias, recurrent, h0):
        hs, last = _forward(xz, bias, recurrent, h0)

        def gradient(d_hs, d_last):
            found = _backward(transposed(recurrent, xz.dtype), h0, hs, d_hs, d_last, dtype=xz.dtype.name)
            dzs, d_bias, d_h0, previous = found
            return dzs, d_bias, recurrent_gradient(previous, dzs, h0.dtype), d_h0

        return (hs, last), gradient

    return run(xz, bias, recurrent, h0)
