"""Add the outputs of MinGRU layers to the residual stream and normalize it.

Each direction is a single kernel, because passes over memory cost more than the arithmetic.

    T  time steps     B  sequences     H  hidden units
"""

from functools import partial
from typing import Any

import tensorflow as tf

from charrnn.model.compute.xla_kernels import xla_kernel
from charrnn.model.network.dropout import dropout

EPSILON = 1e-6


def _mean(x: tf.Tensor) -> tf.Tensor:
    """Return the mean over the last axis, keeping it; computed as a product, which XLA does faster than a sum."""
    units = x.shape[-1]
    return tf.reshape(
        tf.reshape(x, (-1, units)) @ tf.fill((units, 1), tf.constant(1 / units, x.dtype)), (*x.shape[:-1], 1)
    )


@xla_kernel
def _forward(x: tf.Tensor, *addition: tf.Tensor, dropout_rate: float, dtype: str) -> tuple[tf.Tensor, tf.Tensor]:
    if addition:
        y, *seed = addition
        y = tf.cast(y, x.dtype)
        x += dropout(y, dropout_rate, *seed) if seed else y
    return x, tf.cast(x * tf.math.rsqrt(_mean(x * x) + EPSILON), dtype)


@xla_kernel
def _backward(
    x: tf.Tensor, d_x: tf.Tensor, d_norm: tf.Tensor, *seed: tf.Tensor, dropout_rate: float, dtype: str
) -> tuple[tf.Tensor, tf.Tensor]:
    scale = tf.math.rsqrt(_mean(x * x) + EPSILON)
    norm, d_norm = x * scale, tf.cast(d_norm, x.dtype)
    d_x += scale * (d_norm - norm * _mean(d_norm * norm))
    return d_x, tf.cast(dropout(d_x, dropout_rate, *seed) if seed else d_x, dtype)


def rms_norm(x: tf.Tensor, dtype: str) -> tf.Tensor:
    """Divide `(T, B, H)` by the root mean square of the last axis (RMSNorm; Zhang & Sennrich 2019).

    There is no gain, because the following product can learn it. The result has type `dtype`.
    """

    @tf.custom_gradient
    def run(x: tf.Tensor) -> Any:
        stream, norm = _forward(x, dropout_rate=0.0, dtype=dtype)
        return norm, lambda d: _backward(stream, tf.zeros_like(x), d, dropout_rate=0.0, dtype=dtype)[0]

    return run(x)


def add_and_norm(
    x: tf.Tensor, y: tf.Tensor, dtype: str, *, dropout_rate: float = 0.0, seed: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Add a layer's output, after dropout, to the residual stream and normalize it.

    Args:
        x: The residual stream, shape `(T, B, H)`.
        y: The layer's output, of the same shape and any float type.
        dtype: Data type of the norm.
        dropout_rate: Probability of dropping a unit of `y`.
        seed: Two integers, the seed of the dropout mask; required if the dropout rate is not 0.

    Returns:
        The new residual stream and its norm.
    """
    seeds = [] if seed is None or dropout_rate == 0 else [seed]

    @tf.custom_gradient
    def run(x: tf.Tensor, y: tf.Tensor) -> Any:
        stream, norm = _forward(x, y, *seeds, dropout_rate=dropout_rate, dtype=dtype)
        backward = partial(_backward, stream, dropout_rate=dropout_rate, dtype=y.dtype.name)
        return (stream, norm), lambda d_x, d_norm: backward(d_x, d_norm, *seeds)

    return run(x, y)
