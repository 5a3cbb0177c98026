"""Apply dropout with masks that are hashes of position and seed, so that the backward pass recomputes them."""

import math

import tensorflow as tf

from charrnn.model.compute import stateless_random


def dropout(x: tf.Tensor, dropout_rate: float, seed: tf.Tensor) -> tf.Tensor:
    """Set a random part of the numbers to zero and scale the others, so that the expected value is unchanged.

    Args:
        x: Any static shape.
        dropout_rate: Probability of zero, `0 ≤ dropout_rate < 1`.
        seed: Two integers, shape `(2,)`.
    """
    counters = tf.reshape(tf.range(math.prod(x.shape)), x.shape)
    bits = stateless_random.random_bits(counters, *tf.unstack(seed))
    threshold = tf.constant(min(round(dropout_rate * 2**32), 2**32 - 1), tf.uint32)
    return tf.where(bits >= threshold, x / (1 - dropout_rate), tf.zeros_like(x))
