"""The time loops of the cells, each with a hand-written gradient. Knows tensors only: no weights, layers or options.

    T  time steps     B  sequences     H  units

Everything that does not depend on the step before stays outside the loops: products with the input come in ready made
(`xz`), and gradients of the recurrent weights are one product over all steps. Tensors are time-major, so that a step
reads and writes one contiguous block. All functions compile to XLA and work in float32 and float64.
"""

import tensorflow as tf


def product(a: tf.Tensor, b: tf.Tensor, dtype: str) -> tf.Tensor:
    """Multiply matrices in `dtype`, returning the type that `a` came in.

    Adding up in the wider type is the matrix unit's business: bfloat16 products accumulate in float32.
    """
    return tf.cast(tf.matmul(tf.cast(a, dtype), tf.cast(b, dtype)), a.dtype)


def _before(first: tf.Tensor, all_steps: tf.Tensor) -> tf.Tensor:
    """Return what each step saw: `first`, then every step's value but the last, shape `(T, B, H)`."""
    return tf.concat([first[None], all_steps[:-1]], 0)


def _arrays(steps: int, *shapes: tuple[tuple[int, ...], tf.DType]) -> list[tf.TensorArray]:
    return [tf.TensorArray(dtype, steps, element_shape=shape) for shape, dtype in shapes]


def _over_time(states: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Sum the outer products of all steps: shape `(H, G)` from `(T, B, H)` and `(T, B, G)`."""
    rows = states.shape[0] * states.shape[1]
    return tf.matmul(
        tf.reshape(states, (rows, states.shape[2])), tf.reshape(gradients, (rows, gradients.shape[2])), transpose_a=True
    )


def linear(keep: tf.Tensor, add: tf.Tensor, first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Run `h_t = keep_t · h_{t-1} + add_t`, the loop of the mingru cell.

    Args:
        keep: Shape `(T, B, H)`, between 0 and 1.
        add: Shape `(T, B, H)`.
        first: `h` before the first step, shape `(B, H)`.

    Returns:
        `h` after every step, shape `(T, B, H)`, and after the last, shape `(B, H)`.
    """
    steps, (batch, units) = keep.shape[0], first.shape

    @tf.custom_gradient
    def run(keep, add, first):
        (hs,) = _arrays(steps, ((batch, units), first.dtype))

        def forward(t, h, hs):
            h = keep[t] * h + add[t]
            return t + 1, h, hs.write(t, h)

        _, last, hs = tf.while_loop(lambda t, *_: t < steps, forward, (0, first, hs), maximum_iterations=steps)
        hs = hs.stack()

        def gradient(d_hs, d_last):
            (ds,) = _arrays(steps, ((batch, units), first.dtype))

            def backward(k, d, ds):
                t = steps - 1 - k
                d = d + d_hs[t]
                return k + 1, d * keep[t], ds.write(t, d)

            _, d_first, ds = tf.while_loop(lambda k, *_: k < steps, backward, (0, d_last, ds), maximum_iterations=steps)
            ds = ds.stack()
            return ds * _before(first, hs), ds, d_first

        return (hs, last), gradient

    return run(keep, add, first)


def rnn(xz: tf.Tensor, recurrent: tf.Tensor, h0: tf.Tensor, dtype: str) -> tuple[tf.Tensor, tf.Tensor]:
    """Run `h_t = tanh(xz_t + h_{t-1} · recurrent)`.

    Args:
        xz: Input products with bias, shape `(T, B, H)`.
        recurrent: Shape `(H, H)`.
        h0: Shape `(B, H)`.
        dtype: Number type of the products.

    Returns:
        `h` after every step, shape `(T, B, H)`, and after the last.
    """
    steps, (batch, units) = xz.shape[0], h0.shape

    @tf.custom_gradient
    def run(xz, recurrent, h0):
        (hs,) = _arrays(steps, ((batch, units), h0.dtype))

        def forward(t, h, hs):
            h = tf.tanh(xz[t] + product(h, recurrent, dtype))
            return t + 1, h, hs.write(t, h)

        _, last, hs = tf.while_loop(lambda t, *_: t < steps, forward, (0, h0, hs), maximum_iterations=steps)
        hs = hs.stack()

        def gradient(d_hs, d_last):
            slope, transposed = 1 - hs * hs, tf.transpose(recurrent)
            (dzs,) = _arrays(steps, ((batch, units), h0.dtype))

            def backward(k, dh, dzs):
                t = steps - 1 - k
                dz = (dh + d_hs[t]) * slope[t]
                return k + 1, product(dz, transposed, dtype), dzs.write(t, dz)

            _, d_h0, dzs = tf.while_loop(lambda k, *_: k < steps, backward, (0, d_last, dzs), maximum_iterations=steps)
            dzs = dzs.stack()
            return dzs, _over_time(_before(h0, hs), dzs), d_h0

        return (hs, last), gradient

    return run(xz, recurrent, h0)


def lstm(
    xz: tf.Tensor, recurrent: tf.Tensor, h0: tf.Tensor, c0: tf.Tensor, dtype: str
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Run an LSTM: `c_t = f·c_{t-1} + i·g`, `h_t = o·tanh(c_t)` (Hochreiter & Schmidhuber 1997; gates as in Keras).

    All four gates come out of one tanh over the contiguous block, since sigmoid(x) = 0.5·tanh(x/2) + 0.5 and the
    halving is folded into the weights; splitting the block before the tanh doubles the time of an iteration.

    Args:
        xz: Input products with bias, shape `(T, B, 4H)`, gates in Keras' order i, f, g, o.
        recurrent: Shape `(H, 4H)`.
        h0: Shape `(B, H)`.
        c0: Shape `(B, H)`.
        dtype: Number type of the products.

    Returns:
        `h` after every step, shape `(T, B, H)`; `h` and `c` after the last, shape `(B, H)`.
    """
    steps, (batch, units) = xz.shape[0], h0.shape
    block, one = (batch, 4 * units), (batch, units)

    @tf.custom_gradient
    def run(xz, recurrent, h0, c0):
        half, whole = tf.fill([units], tf.cast(0.5, h0.dtype)), tf.ones([units], h0.dtype)
        scale = tf.concat([half, half, whole, half], 0)
        scaled_xz, scaled_recurrent = xz * scale, recurrent * scale

        def forward(t, h, c, gates, cs, tanh_cs, hs):
            a = tf.tanh(scaled_xz[t] + product(h, scaled_recurrent, dtype))
            i, f, g, o = tf.split(a, 4, 1)
            c = (0.5 * f + 0.5) * c + (0.5 * i + 0.5) * g
            tanh_c = tf.tanh(c)
            h = (0.5 * o + 0.5) * tanh_c
            return t + 1, h, c, gates.write(t, a), cs.write(t, c), tanh_cs.write(t, tanh_c), hs.write(t, h)

        arrays = _arrays(steps, (block, h0.dtype), (one, h0.dtype), (one, h0.dtype), (one, h0.dtype))
        _, h, c, *arrays = tf.while_loop(
            lambda t, *_: t < steps, forward, (0, h0, c0, *arrays), maximum_iterations=steps
        )
        gates, cs, tanh_cs, hs = (array.stack() for array in arrays)

        def gradient(d_hs, d_h, d_c):
            # what does not depend on the step after is computed for all steps at once
            i, f, g, o = tf.split(gates, 4, 2)
            i, f, o = 0.5 * i + 0.5, 0.5 * f + 0.5, 0.5 * o + 0.5
            to_i, to_f, to_g = g * i * (1 - i), _before(c0, cs) * f * (1 - f), i * (1 - g * g)
            to_o, to_c = tanh_cs * o * (1 - o), o * (1 - tanh_cs * tanh_cs)
            transposed = tf.transpose(recurrent)
            (dzs,) = _arrays(steps, (block, h0.dtype))

            def backward(k, dh, dc, dzs):
                t = steps - 1 - k
                dh = dh + d_hs[t]
                dc = dc + dh * to_c[t]
                dz = tf.concat([dc * to_i[t], dc * to_f[t], dc * to_g[t], dh * to_o[t]], 1)
                return k + 1, product(dz, transposed, dtype), dc * f[t], dzs.write(t, dz)

            _, d_h0, d_c0, dzs = tf.while_loop(
                lambda k, *_: k < steps, backward, (0, d_h, d_c, dzs), maximum_iterations=steps
            )
            dzs = dzs.stack()
            return dzs, _over_time(_before(h0, hs), dzs), d_h0, d_c0

        return (hs, h, c), gradient

    return run(xz, recurrent, h0, c0)


def gru(
    xz: tf.Tensor, recurrent: tf.Tensor, recurrent_bias: tf.Tensor, h0: tf.Tensor, dtype: str
) -> tuple[tf.Tensor, tf.Tensor]:
    """Run a GRU: `h_t = z·h_{t-1} + (1-z)·tanh(x_h + r·(h_{t-1}·U_h + b_h))` (Cho 2014, reset after the product).

    Args:
        xz: Input products with bias, shape `(T, B, 3H)`, in Keras' order z, r, h.
        recurrent: Shape `(H, 3H)`.
        recurrent_bias: Shape `(3H,)`.
        h0: Shape `(B, H)`.
        dtype: Number type of the products.

    Returns:
        `h` after every step, shape `(T, B, H)`, and after the last.
    """
    steps, (batch, units) = xz.shape[0], h0.shape
    block, one = (batch, 3 * units), (batch, units)

    @tf.custom_gradient
    def run(xz, recurrent, recurrent_bias, h0):
        def forward(t, h, gates, candidates, hs):
            x, u = xz[t], product(h, recurrent, dtype) + recurrent_bias
            zr = 0.5 * tf.tanh(0.5 * (x[:, : 2 * units] + u[:, : 2 * units])) + 0.5
            z, r = tf.split(zr, 2, 1)
            candidate = tf.tanh(x[:, 2 * units :] + r * u[:, 2 * units :])
            h = z * h + (1 - z) * candidate
            gates = gates.write(t, tf.concat([zr, u[:, 2 * units :]], 1))
            return t + 1, h, gates, candidates.write(t, candidate), hs.write(t, h)

        arrays = _arrays(steps, (block, h0.dtype), (one, h0.dtype), (one, h0.dtype))
        _, h, *arrays = tf.while_loop(lambda t, *_: t < steps, forward, (0, h0, *arrays), maximum_iterations=steps)
        gates, candidates, hs = (array.stack() for array in arrays)

        def gradient(d_hs, d_h):
            z, r, u = tf.split(gates, 3, 2)
            to_candidate = (1 - z) * (1 - candidates * candidates)
            to_z, to_r = (_before(h0, hs) - candidates) * z * (1 - z), u * r * (1 - r)
            transposed = tf.transpose(recurrent)
            dxs, dus = _arrays(steps, (block, h0.dtype), (block, h0.dtype))

            def backward(k, dh, dxs, dus):
                t = steps - 1 - k
                dh = dh + d_hs[t]
                d_candidate = dh * to_candidate[t]
                dz, dr = dh * to_z[t], d_candidate * to_r[t]
                dx, du = tf.concat([dz, dr, d_candidate], 1), tf.concat([dz, dr, d_candidate * r[t]], 1)
                return k + 1, dh * z[t] + product(du, transposed, dtype), dxs.write(t, dx), dus.write(t, du)

            _, d_h0, dxs, dus = tf.while_loop(
                lambda k, *_: k < steps, backward, (0, d_h, dxs, dus), maximum_iterations=steps
            )
            dxs, dus = dxs.stack(), dus.stack()
            return dxs, _over_time(_before(h0, hs), dus), tf.reduce_sum(dus, (0, 1)), d_h0

        return (hs, h), gradient

    return run(xz, recurrent, recurrent_bias, h0)
