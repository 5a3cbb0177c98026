"""What lies between two layers of the fast cell: the sum that every layer adds to, and its norm, which the next one
reads. One program forward and one backward, since each pass over the numbers costs more than what is done with them.

    T  time steps     B  sequences     H  units
"""

from typing import Any

import tensorflow as tf

from charrnn.model.compute.xla_compile import piece
from charrnn.model.network.dropout import dropout

EPSILON = 1e-6


def _mean(x: tf.Tensor) -> tf.Tensor:
    """Return the mean over the last axis, kept; as a product, which XLA does faster than a sum."""
    units = x.shape[-1]
    return tf.reshape(
        tf.reshape(x, (-1, units)) @ tf.fill((units, 1), tf.constant(1 / units, x.dtype)), (*x.shape[:-1], 1)
    )


@piece
def _forward(x: tf.Tensor, *addition: tf.Tensor, drop: float, dtype: str) -> tuple[tf.Tensor, tf.Tensor]:
    if addition:
        y, *seed = addition
        y = tf.cast(y, x.dtype)
        x += dropout(y, drop, *seed) if seed else y
    return x, tf.cast(x * tf.math.rsqrt(_mean(x * x) + EPSILON), dtype)


@piece
def _backward(
    x: tf.Tensor, d_x: tf.Tensor, d_norm: tf.Tensor, *seed: tf.Tensor, drop: float, dtype: str
) -> tuple[tf.Tensor, tf.Tensor]:
    scale = tf.math.rsqrt(_mean(x * x) + EPSILON)
    norm, d_norm = x * scale, tf.cast(d_norm, x.dtype)
    d_x += scale * (d_norm - norm * _mean(d_norm * norm))
    return d_x, tf.cast(dropout(d_x, drop, *seed) if seed else d_x, dtype)


def normalized(x: tf.Tensor, dtype: str) -> tf.Tensor:
    """Divide `(T, B, H)` by the root mean square of the last axis (RMSNorm; Zhang & Sennrich 2019).

    There is no gain: the product that follows can have it. The result is in `dtype`.
    """

    @tf.custom_gradient
    def run(x: tf.Tensor) -> Any:
        whole, norm = _forward(x, drop=0.0, dtype=dtype)
        return norm, lambda d: _backward(whole, tf.zeros_like(x), d, drop=0.0, dtype=dtype)[0]

    return run(x)


def added(
    x: tf.Tensor, y: tf.Tensor, dtype: str, *, drop: float = 0.0, seed: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Add a layer's output to the sum, with some units dropped.

    Args:
        x: The sum so far, shape `(T, B, H)`.
        y: What is added, the same shape, of any type.
        dtype: Type of the norm.
        drop: Probability with which a unit of `y` is dropped.
        seed: Two whole numbers that decide which; needed where units drop.

    Returns:
        The new sum and its norm.
    """
    seeds = [] if seed is None or drop == 0 else [seed]

    @tf.custom_gradient
    def run(x: tf.Tensor, y: tf.Tensor) -> Any:
        total, norm = _forward(x, y, *seeds, drop=drop, dtype=dtype)
        return (total, norm), lambda d_x, d_norm: _backward(total, d_x, d_norm, *seeds, drop=drop, dtype=y.dtype.name)

    return run(x, y)
