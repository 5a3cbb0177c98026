"""Time loop of the GRU."""

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
    xz: tf.Tensor, bias: tf.Tensor, recurrent: tf.Tensor, recurrent_bias: tf.Tensor, h0: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    steps, (batch, units) = xz.shape[0], h0.shape
    matrix = tf.cast(recurrent, xz.dtype)
    xz = tf.cast(xz, h0.dtype) + bias

    def forward(t, h, gates, candidates, hs):
        x, u = xz[t], recurrent_matmul(h, matrix) + recurrent_bias
        zr = 0.5 * tf.tanh(0.5 * (x[:, : 2 * units] + u[:, : 2 * units])) + 0.5
        z, r = tf.split(zr, 2, 1)
        candidate = tf.tanh(x[:, 2 * units :] + r * u[:, 2 * units :])
        h = z * h + (1 - z) * candidate
        gates = gates.write(t, tf.concat([zr, u[:, 2 * units :]], 1))
        return t + 1, h, gates, candidates.write(t, candidate), hs.write(t, h)

    start = (0, h0, *tensor_arrays(steps, h0.dtype, (batch, 3 * units), h0.shape, h0.shape))
    _, h, *kept = tf.while_loop(lambda t, *_: t < steps, forward, start, maximum_iterations=steps)
    return h, *(array.stack() for array in kept)


@xla_kernel
def _backward(
    recurrent_transposed: tf.Tensor,
    h0: tf.Tensor,
    gates: tf.Tensor,
    candidates: tf.Tensor,
    hs: tf.Tensor,
    d_hs: tf.Tensor,
    d_h: tf.Tensor,
    *,
    dtype: str,
) -> tuple[tf.Tensor, ...]:
    steps, (batch, units) = hs.shape[0], h0.shape
    z, r, u = tf.split(gates, 3, 2)
    previous = previous_states(h0, hs)
    to_candidate = (1 - z) * (1 - candidates * candidates)
    to_z, to_r = (previous - candidates) * z * (1 - z), u * r * (1 - r)

    def backward(k, dh, dxs, dus):
        t = steps - 1 - k
        dh = dh + d_hs[t]
        d_candidate = dh * to_candidate[t]
        dz, dr = dh * to_z[t], d_candidate * to_r[t]
        dx, du = tf.concat([dz, dr, d_candidate], 1), tf.concat([dz, dr, d_candidate * r[t]], 1)
        return k + 1, dh * z[t] + recurrent_matmul(du, recurrent_transposed), dxs.write(t, dx), dus.write(t, du)

    start = (0, d_h, *tensor_arrays(steps, h0.dtype, (batch, 3 * units), (batch, 3 * units)))
    _, d_h0, dxs, dus = tf.while_loop(lambda k, *_: k < steps, backward, start, maximum_iterations=steps)
    dxs, dus = dxs.stack(), dus.stack()
    small = tf.reduce_sum(dxs, (0, 1)), tf.reduce_sum(dus, (0, 1)), d_h0
    return *small, *(tf.cast(large, dtype) for large in (dxs, dus, previous))


def gru(
    xz: tf.Tensor, bias: tf.Tensor, recurrent: tf.Tensor, recurrent_bias: tf.Tensor, h0: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Run a GRU: `h_t = z·h_{t-1} + (1-z)·tanh(x_h + r·(h_{t-1}·U_h + b_h))` (Cho et al. 2014, reset after product).

    Args:
        xz: Input products, shape `(T, B, 3H)`, in Keras' order z, r, h.
        bias: Shape `(3H,)`.
        recurrent: Shape `(H, 3H)`.
        recurrent_bias: Shape `(3H,)`.
        h0: Shape `(B, H)`.

    Returns:
        `h` after every step, shape `(T, B, H)`, and after the last, shape `(B, H)`.
    """

    @tf.custom_gradient
    def run(xz, bias, recurrent, recurrent_bias, h0):
        h, *kept = _forward(xz, bias, recurrent, recurrent_bias, h0)

        def gradient(*upstream):
            found = _backward(transposed(recurrent, xz.dtype), h0, *kept, *upstream, dtype=xz.dtype.name)
            d_bias, d_recurrent_bias, d_h0, dxs, dus, previous = found
            return dxs, d_bias, recurrent_gradient(previous, dus, h0.dtype), d_recurrent_bias, d_h0

        return (kept[-1], h), gradient

    return run(xz, bias, recurrent, recurrent_bias, h0)
