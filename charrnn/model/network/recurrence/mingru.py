"""Time loop of the mingru cell, a gated linear recurrence without matrix products in the loop."""

import tensorflow as tf

from charrnn.model.compute.xla_kernels import xla_kernel
from charrnn.model.network.recurrence.shared_operations import previous_states, tensor_arrays


@xla_kernel
def _forward(u: tf.Tensor, bias: tf.Tensor, h0: tf.Tensor) -> tuple[tf.Tensor, ...]:
    steps = u.shape[0]
    z, candidate, out = tf.split(tf.cast(u, h0.dtype), 3, 2)
    z = tf.sigmoid(z + bias)
    keep, add = 1 - z, z * candidate
    if steps == 1:
        h = keep[0] * h0 + add[0]
        return tf.cast(h[None] * tf.nn.silu(out), u.dtype), h[None], h
    (hs,) = tensor_arrays(steps, h0.dtype, h0.shape)

    def forward(t, h, hs):
        h = keep[t] * h + add[t]
        return t + 1, h, hs.write(t, h)

    _, last, hs = tf.while_loop(lambda t, *_: t < steps, forward, (0, h0, hs), maximum_iterations=steps)
    hs = hs.stack()
    return tf.cast(hs * tf.nn.silu(out), u.dtype), hs, last


@xla_kernel
def _backward(
    u: tf.Tensor, bias: tf.Tensor, h0: tf.Tensor, hs: tf.Tensor, d_y: tf.Tensor, d_last: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    steps = u.shape[0]
    z, candidate, out = tf.split(tf.cast(u, h0.dtype), 3, 2)
    z, open_, d_y = tf.sigmoid(z + bias), tf.sigmoid(out), tf.cast(d_y, h0.dtype)
    keep, d_hs = 1 - z, d_y * out * open_
    (ds,) = tensor_arrays(steps, h0.dtype, h0.shape)

    def backward(k, d, ds):
        t = steps - 1 - k
        d = d + d_hs[t]
        return k + 1, d * keep[t], ds.write(t, d)

    _, d_h0, ds = tf.while_loop(lambda k, *_: k < steps, backward, (0, d_last, ds), maximum_iterations=steps)
    ds = ds.stack()
    d_z = ds * (candidate - previous_states(h0, hs)) * z * keep
    d_out = d_y * hs * open_ * (1 + out * (1 - open_))
    # Summed axis by axis, because XLA is slow at summing two axes at once.
    d_bias = tf.reduce_sum(tf.reduce_sum(d_z, 0), 0)
    return tf.cast(tf.concat([d_z, ds * z, d_out], 2), u.dtype), d_bias, d_h0


def mingru(u: tf.Tensor, bias: tf.Tensor, h0: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Run the mingru cell: `h_t = (1 - σ(z_t + b)) · h_{t-1} + σ(z_t + b) · c_t`, with output `h_t · silu(o_t)`.

    Args:
        u: Gate z without bias, candidate c and output gate o of all steps, shape `(T, B, 3H)`.
        bias: Shape `(H,)`.
        h0: Shape `(B, H)`.

    Returns:
        The output of every step, shape `(T, B, H)`, in the type of `u`; `h` after the last step, shape `(B, H)`.
    """

    @tf.custom_gradient
    def run(u, bias, h0):
        y, hs, last = _forward(u, bias, h0)
        return (y, last), lambda d_y, d_last: _backward(u, bias, h0, hs, d_y, d_last)

    return run(u, bias, h0)
