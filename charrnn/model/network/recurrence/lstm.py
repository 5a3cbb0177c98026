"""Time loop of the LSTM."""

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
def _forward(
    xz: tf.Tensor, bias: tf.Tensor, recurrent: tf.Tensor, h0: tf.Tensor, c0: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    # All four gates are computed by one tanh over the contiguous block, since sigmoid(x) = 0.5·tanh(x/2) + 0.5; the
    # halving is folded into the weights. Splitting the block before the tanh is much slower.
    steps, (batch, units) = xz.shape[0], h0.shape
    half, whole = tf.fill([units], tf.cast(0.5, h0.dtype)), tf.ones([units], h0.dtype)
    scale = tf.concat([half, half, whole, half], 0)
    scaled_xz = (tf.cast(xz, h0.dtype) + bias) * scale
    scaled_recurrent = tf.cast(recurrent * scale, xz.dtype)

    def forward(t, h, c, gates, cs, tanh_cs, hs):
        a = tf.tanh(scaled_xz[t] + recurrent_matmul(h, scaled_recurrent))
        i, f, g, o = tf.split(a, 4, 1)
        c = (0.5 * f + 0.5) * c + (0.5 * i + 0.5) * g
        tanh_c = tf.tanh(c)
        h = (0.5 * o + 0.5) * tanh_c
        return t + 1, h, c, gates.write(t, a), cs.write(t, c), tanh_cs.write(t, tanh_c), hs.write(t, h)

    start = (0, h0, c0, *tensor_arrays(steps, h0.dtype, (batch, 4 * units), h0.shape, h0.shape, h0.shape))
    _, h, c, *kept = tf.while_loop(lambda t, *_: t < steps, forward, start, maximum_iterations=steps)
    return h, c, *(array.stack() for array in kept)


@xla_kernel
def _backward(
    recurrent_transposed: tf.Tensor,
    h0: tf.Tensor,
    c0: tf.Tensor,
    gates: tf.Tensor,
    cs: tf.Tensor,
    tanh_cs: tf.Tensor,
    hs: tf.Tensor,
    d_hs: tf.Tensor,
    d_h: tf.Tensor,
    d_c: tf.Tensor,
    *,
    dtype: str,
) -> tuple[tf.Tensor, ...]:
    # What does not depend on the next step is computed for all steps at once.
    steps, (batch, units) = hs.shape[0], h0.shape
    i, f, g, o = tf.split(gates, 4, 2)
    i, f, o = 0.5 * i + 0.5, 0.5 * f + 0.5, 0.5 * o + 0.5
    to_i, to_f, to_g = g * i * (1 - i), previous_states(c0, cs) * f * (1 - f), i * (1 - g * g)
    to_o, to_c = tanh_cs * o * (1 - o), o * (1 - tanh_cs * tanh_cs)

    def backward(k, dh, dc, dzs):
        t = steps - 1 - k
        dh = dh + d_hs[t]
        dc = dc + dh * to_c[t]
        dz = tf.concat([dc * to_i[t], dc * to_f[t], dc * to_g[t], dh * to_o[t]], 1)
        return k + 1, recurrent_matmul(dz, recurrent_transposed), dc * f[t], dzs.write(t, dz)

    start = (0, d_h, d_c, *tensor_arrays(steps, h0.dtype, (batch, 4 * units)))
    _, d_h0, d_c0, dzs = tf.while_loop(lambda k, *_: k < steps, backward, start, maximum_iterations=steps)
    dzs = dzs.stack()
    return tf.cast(dzs, dtype), tf.reduce_sum(dzs, (0, 1)), d_h0, d_c0, tf.cast(previous_states(h0, hs), dtype)


def lstm(
    xz: tf.Tensor, bias: tf.Tensor, recurrent: tf.Tensor, h0: tf.Tensor, c0: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Run an LSTM: `c_t = f·c_{t-1} + i·g`, `h_t = o·tanh(c_t)` (Hochreiter & Schmidhuber 1997; gates as in Keras).

    Args:
        xz: Input products, shape `(T, B, 4H)`, gates in Keras' order i, f, g, o.
        bias: Shape `(4H,)`.
        recurrent: Shape `(H, 4H)`.
        h0: Shape `(B, H)`.
        c0: Shape `(B, H)`.

    Returns:
        `h` after every step, shape `(T, B, H)`; `h` and `c` after the last, shape `(B, H)`.
    """

    @tf.custom_gradient
    def run(xz, bias, recurrent, h0, c0):
        h, c, *kept = _forward(xz, bias, recurrent, h0, c0)

        def gradient(*upstream):
            found = _backward(transposed(recurrent, xz.dtype), h0, c0, *kept, *upstream, dtype=xz.dtype.name)
            dzs, d_bias, d_h0, d_c0, previous = found
            return dzs, d_bias, recurrent_gradient(previous, dzs, h0.dtype), d_h0, d_c0

        return (kept[-1], h, c), gradient

    return run(xz, bias, recurrent, h0, c0)
