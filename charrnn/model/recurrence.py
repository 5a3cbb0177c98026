"""The time loops of the cells, each with a hand-written gradient. Knows tensors only: no weights, layers or options.

    T  time steps     B  sequences     H  units

Everything that does not depend on the step before stays outside the loops: products with the input come in ready made
(`xz`), and gradients of the recurrent weights are one product over all steps. Tensors are time-major, so that a step
reads and writes one contiguous block. All loops compile to XLA and work in float32 and float64.

`xz` may be bfloat16, then what is large and goes into products is too: gradients of `xz` and the memory of all steps.
Loops themselves always count in the type of the memory: XLA has no fast product in bfloat16 on a CPU.
"""

import tensorflow as tf

from charrnn.model.pieces import piece, product


def _before(first: tf.Tensor, all_steps: tf.Tensor) -> tf.Tensor:
    """Return what each step saw: `first`, then every step's value but the last, shape `(T, B, H)`."""
    return tf.concat([first[None], all_steps[:-1]], 0)


def _arrays(steps: int, dtype: tf.DType, *shapes: tuple[int, ...]) -> list[tf.TensorArray]:
    return [tf.TensorArray(dtype, steps, element_shape=shape) for shape in shapes]


def _over_time(states: tf.Tensor, gradients: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Sum the outer products of all steps: shape `(H, G)` in `dtype` from `(T, B, H)` and `(T, B, G)`."""
    rows = states.shape[0] * states.shape[1]
    states, gradients = tf.reshape(states, (rows, -1)), tf.reshape(gradients, (rows, -1))
    return tf.cast(product(states, gradients, gradients.dtype, transpose_a=True), dtype)


def mingru(u: tf.Tensor, bias: tf.Tensor, h0: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Run the mingru cell: `h_t = (1 - σ(z_t)) · h_{t-1} + σ(z_t) · c_t`, and give `h_t · silu(o_t)`.

    Args:
        u: Gate z, candidate c and output gate o of all steps without bias, shape `(T, B, 3H)`.
        bias: Shape `(3H,)`.
        h0: Shape `(B, H)`.

    Returns:
        The output of every step, shape `(T, B, H)`, in the type of `u`; `h` after the last, shape `(B, H)`.
    """
    steps, (batch, units) = u.shape[0], h0.shape

    def gates(u: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        z, candidate, out = tf.split(tf.cast(u, h0.dtype) + bias, 3, 2)
        return tf.sigmoid(z), candidate, out

    @piece
    def forwards(u, bias, h0):
        z, candidate, out = gates(u, bias)
        keep, add = 1 - z, z * candidate
        (hs,) = _arrays(steps, h0.dtype, (batch, units))

        def forward(t, h, hs):
            h = keep[t] * h + add[t]
            return t + 1, h, hs.write(t, h)

        _, last, hs = tf.while_loop(lambda t, *_: t < steps, forward, (0, h0, hs), maximum_iterations=steps)
        hs = hs.stack()
        return tf.cast(hs * tf.nn.silu(out), u.dtype), hs, last

    @piece
    def backwards(u, bias, h0, hs, d_y, d_last):
        z, candidate, out = gates(u, bias)
        open_, d_y = tf.sigmoid(out), tf.cast(d_y, h0.dtype)
        keep, d_hs = 1 - z, d_y * out * open_
        (ds,) = _arrays(steps, h0.dtype, (batch, units))

        def backward(k, d, ds):
            t = steps - 1 - k
            d = d + d_hs[t]
            return k + 1, d * keep[t], ds.write(t, d)

        _, d_h0, ds = tf.while_loop(lambda k, *_: k < steps, backward, (0, d_last, ds), maximum_iterations=steps)
        ds = ds.stack()
        d_z = ds * (candidate - _before(h0, hs)) * z * keep
        d_out = d_y * hs * open_ * (1 + out * (1 - open_))
        d_u = tf.concat([d_z, ds * z, d_out], 2)
        return tf.cast(d_u, u.dtype), tf.reduce_sum(d_u, (0, 1)), d_h0

    @tf.custom_gradient
    def run(u, bias, h0):
        y, hs, last = forwards(u, bias, h0)
        return (y, last), lambda d_y, d_last: backwards(u, bias, h0, hs, d_y, d_last)

    return run(u, bias, h0)


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
    steps, one = xz.shape[0], h0.shape

    @piece
    def forwards(xz, bias, recurrent, h0):
        xz = tf.cast(xz, h0.dtype) + bias
        (hs,) = _arrays(steps, h0.dtype, one)

        def forward(t, h, hs):
            h = tf.tanh(xz[t] + tf.matmul(h, recurrent))
            return t + 1, h, hs.write(t, h)

        _, last, hs = tf.while_loop(lambda t, *_: t < steps, forward, (0, h0, hs), maximum_iterations=steps)
        return hs.stack(), last

    @piece
    def backwards(recurrent, h0, hs, d_hs, d_last):
        slope, transposed = 1 - hs * hs, tf.transpose(recurrent)
        (dzs,) = _arrays(steps, h0.dtype, one)

        def backward(k, dh, dzs):
            t = steps - 1 - k
            dz = (dh + d_hs[t]) * slope[t]
            return k + 1, tf.matmul(dz, transposed), dzs.write(t, dz)

        _, d_h0, dzs = tf.while_loop(lambda k, *_: k < steps, backward, (0, d_last, dzs), maximum_iterations=steps)
        dzs = dzs.stack()
        return tf.cast(dzs, xz.dtype), tf.reduce_sum(dzs, (0, 1)), d_h0, tf.cast(_before(h0, hs), xz.dtype)

    @tf.custom_gradient
    def run(xz, bias, recurrent, h0):
        hs, last = forwards(xz, bias, recurrent, h0)

        def gradient(d_hs, d_last):
            dzs, d_bias, d_h0, seen = backwards(recurrent, h0, hs, d_hs, d_last)
            return dzs, d_bias, _over_time(seen, dzs, h0.dtype), d_h0

        return (hs, last), gradient

    return run(xz, bias, recurrent, h0)


def lstm(
    xz: tf.Tensor, bias: tf.Tensor, recurrent: tf.Tensor, h0: tf.Tensor, c0: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Run an LSTM: `c_t = f·c_{t-1} + i·g`, `h_t = o·tanh(c_t)` (Hochreiter & Schmidhuber 1997; gates as in Keras).

    All four gates come out of one tanh over the contiguous block, since sigmoid(x) = 0.5·tanh(x/2) + 0.5 and the
    halving is folded into the weights; splitting the block before the tanh doubles the time of an iteration.

    Args:
        xz: Input products, shape `(T, B, 4H)`, gates in Keras' order i, f, g, o.
        bias: Shape `(4H,)`.
        recurrent: Shape `(H, 4H)`.
        h0: Shape `(B, H)`.
        c0: Shape `(B, H)`.

    Returns:
        `h` after every step, shape `(T, B, H)`; `h` and `c` after the last, shape `(B, H)`.
    """
    steps, (batch, units) = xz.shape[0], h0.shape
    block, one = (batch, 4 * units), (batch, units)

    @piece
    def forwards(xz, bias, recurrent, h0, c0):
        half, whole = tf.fill([units], tf.cast(0.5, h0.dtype)), tf.ones([units], h0.dtype)
        scale = tf.concat([half, half, whole, half], 0)
        scaled_xz, scaled_recurrent = (tf.cast(xz, h0.dtype) + bias) * scale, recurrent * scale

        def forward(t, h, c, gates, cs, tanh_cs, hs):
            a = tf.tanh(scaled_xz[t] + tf.matmul(h, scaled_recurrent))
            i, f, g, o = tf.split(a, 4, 1)
            c = (0.5 * f + 0.5) * c + (0.5 * i + 0.5) * g
            tanh_c = tf.tanh(c)
            h = (0.5 * o + 0.5) * tanh_c
            return t + 1, h, c, gates.write(t, a), cs.write(t, c), tanh_cs.write(t, tanh_c), hs.write(t, h)

        start = (0, h0, c0, *_arrays(steps, h0.dtype, block, one, one, one))
        _, h, c, *arrays = tf.while_loop(lambda t, *_: t < steps, forward, start, maximum_iterations=steps)
        return h, c, *(array.stack() for array in arrays)

    @piece
    def backwards(recurrent, h0, c0, gates, cs, tanh_cs, hs, d_hs, d_h, d_c):
        # what does not depend on the step after is computed for all steps at once
        i, f, g, o = tf.split(gates, 4, 2)
        i, f, o = 0.5 * i + 0.5, 0.5 * f + 0.5, 0.5 * o + 0.5
        to_i, to_f, to_g = g * i * (1 - i), _before(c0, cs) * f * (1 - f), i * (1 - g * g)
        to_o, to_c = tanh_cs * o * (1 - o), o * (1 - tanh_cs * tanh_cs)
        transposed = tf.transpose(recurrent)

        def backward(k, dh, dc, dzs):
            t = steps - 1 - k
            dh = dh + d_hs[t]
            dc = dc + dh * to_c[t]
            dz = tf.concat([dc * to_i[t], dc * to_f[t], dc * to_g[t], dh * to_o[t]], 1)
            return k + 1, tf.matmul(dz, transposed), dc * f[t], dzs.write(t, dz)

        start = (0, d_h, d_c, *_arrays(steps, h0.dtype, block))
        _, d_h0, d_c0, dzs = tf.while_loop(lambda k, *_: k < steps, backward, start, maximum_iterations=steps)
        dzs = dzs.stack()
        return tf.cast(dzs, xz.dtype), tf.reduce_sum(dzs, (0, 1)), d_h0, d_c0, tf.cast(_before(h0, hs), xz.dtype)

    @tf.custom_gradient
    def run(xz, bias, recurrent, h0, c0):
        h, c, gates, cs, tanh_cs, hs = forwards(xz, bias, recurrent, h0, c0)

        def gradient(d_hs, d_h, d_c):
            found = backwards(recurrent, h0, c0, gates, cs, tanh_cs, hs, d_hs, d_h, d_c)
            dzs, d_bias, d_h0, d_c0, seen = found
            return dzs, d_bias, _over_time(seen, dzs, h0.dtype), d_h0, d_c0

        return (hs, h, c), gradient

    return run(xz, bias, recurrent, h0, c0)


def gru(
    xz: tf.Tensor, bias: tf.Tensor, recurrent: tf.Tensor, recurrent_bias: tf.Tensor, h0: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Run a GRU: `h_t = z·h_{t-1} + (1-z)·tanh(x_h + r·(h_{t-1}·U_h + b_h))` (Cho 2014, reset after the product).

    Args:
        xz: Input products, shape `(T, B, 3H)`, in Keras' order z, r, h.
        bias: Shape `(3H,)`.
        recurrent: Shape `(H, 3H)`.
        recurrent_bias: Shape `(3H,)`.
        h0: Shape `(B, H)`.

    Returns:
        `h` after every step, shape `(T, B, H)`, and after the last.
    """
    steps, (batch, units) = xz.shape[0], h0.shape
    block, one = (batch, 3 * units), (batch, units)

    @piece
    def forwards(xz, bias, recurrent, recurrent_bias, h0):
        xz = tf.cast(xz, h0.dtype) + bias

        def forward(t, h, gates, candidates, hs):
            x, u = xz[t], tf.matmul(h, recurrent) + recurrent_bias
            zr = 0.5 * tf.tanh(0.5 * (x[:, : 2 * units] + u[:, : 2 * units])) + 0.5
            z, r = tf.split(zr, 2, 1)
            candidate = tf.tanh(x[:, 2 * units :] + r * u[:, 2 * units :])
            h = z * h + (1 - z) * candidate
            gates = gates.write(t, tf.concat([zr, u[:, 2 * units :]], 1))
            return t + 1, h, gates, candidates.write(t, candidate), hs.write(t, h)

        start = (0, h0, *_arrays(steps, h0.dtype, block, one, one))
        _, h, *arrays = tf.while_loop(lambda t, *_: t < steps, forward, start, maximum_iterations=steps)
        return h, *(array.stack() for array in arrays)

    @piece
    def backwards(recurrent, h0, gates, candidates, hs, d_hs, d_h):
        z, r, u = tf.split(gates, 3, 2)
        seen = _before(h0, hs)
        to_candidate = (1 - z) * (1 - candidates * candidates)
        to_z, to_r = (seen - candidates) * z * (1 - z), u * r * (1 - r)
        transposed = tf.transpose(recurrent)

        def backward(k, dh, dxs, dus):
            t = steps - 1 - k
            dh = dh + d_hs[t]
            d_candidate = dh * to_candidate[t]
            dz, dr = dh * to_z[t], d_candidate * to_r[t]
            dx, du = tf.concat([dz, dr, d_candidate], 1), tf.concat([dz, dr, d_candidate * r[t]], 1)
            return k + 1, dh * z[t] + tf.matmul(du, transposed), dxs.write(t, dx), dus.write(t, du)

        start = (0, d_h, *_arrays(steps, h0.dtype, block, block))
        _, d_h0, dxs, dus = tf.while_loop(lambda k, *_: k < steps, backward, start, maximum_iterations=steps)
        dxs, dus = dxs.stack(), dus.stack()
        small = tf.reduce_sum(dxs, (0, 1)), tf.reduce_sum(dus, (0, 1)), d_h0
        return *small, *(tf.cast(large, xz.dtype) for large in (dxs, dus, seen))

    @tf.custom_gradient
    def run(xz, bias, recurrent, recurrent_bias, h0):
        h, gates, candidates, hs = forwards(xz, bias, recurrent, recurrent_bias, h0)

        def gradient(d_hs, d_h):
            found = backwards(recurrent, h0, gates, candidates, hs, d_hs, d_h)
            d_bias, d_recurrent_bias, d_h0, dxs, dus, seen = found
            return dxs, d_bias, _over_time(seen, dus, h0.dtype), d_recurrent_bias, d_h0

        return (hs, h), gradient

    return run(xz, bias, recurrent, recurrent_bias, h0)
