"""The plain cell."""

import tensorflow as tf

from charrnn.model.compute.xla_compile import piece
from charrnn.model.network.recurrence.time_loop import arrays, before, over_time, passed_on, transposed


@piece
def _forward(xz: tf.Tensor, bias: tf.Tensor, recurrent: tf.Tensor, h0: tf.Tensor) -> tuple[tf.Tensor, ...]:
    steps, matrix = xz.shape[0], tf.cast(recurrent, xz.dtype)
    xz = tf.cast(xz, h0.dtype) + bias
    (hs,) = arrays(steps, h0.dtype, h0.shape)

    def forward(t, h, hs):
        h = tf.tanh(xz[t] + passed_on(h, matrix))
        return t + 1, h, hs.write(t, h)

    _, last, hs = tf.while_loop(lambda t, *_: t < steps, forward, (0, h0, hs), maximum_iterations=steps)
    return hs.stack(), last


@piece
def _backward(
    to_before: tf.Tensor, h0: tf.Tensor, hs: tf.Tensor, d_hs: tf.Tensor, d_last: tf.Tensor, *, dtype: str
) -> tuple[tf.Tensor, ...]:
    steps, slope = hs.shape[0], 1 - hs * hs
    (dzs,) = arrays(steps, h0.dtype, h0.shape)

    def backward(k, dh, dzs):
        t = steps - 1 - k
        dz = (dh + d_hs[t]) * slope[t]
        return k + 1, passed_on(dz, to_before), dzs.write(t, dz)

    _, d_h0, dzs = tf.while_loop(lambda k, *_: k < steps, backward, (0, d_last, dzs), maximum_iterations=steps)
    dzs = dzs.stack()
    return tf.cast(dzs, dtype), tf.reduce_sum(dzs, (0, 1)), d_h0, tf.cast(before(h0, hs), dtype)


def rnn(xz: tf.Tensor, bias: tf.Tensor, recurrent: tf.Tensor, h0: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Run `h_t = tanh(xz_t + bias + h_{t-1} · recurrent)`.

    Args:
        xz: Input products, shape `(T, B, H)`.
        bias: Shape `(H,)`.
        recurrent: Shape `(H, H)`.
        h0: Shape `(B, H)`.

    Returns:
        `h` after every step, shape `(T, B, H)`, and after the last.
    """

    @tf.custom_gradient
    def run(xz, bias, recurrent, h0):
        hs, last = _forward(xz, bias, recurrent, h0)

        def gradient(d_hs, d_last):
            found = _backward(transposed(recurrent, xz.dtype), h0, hs, d_hs, d_last, dtype=xz.dtype.name)
            dzs, d_bias, d_h0, seen = found
            return dzs, d_bias, over_time(seen, dzs, h0.dtype), d_h0

        return (hs, last), gradient

    return run(xz, bias, recurrent, h0)
