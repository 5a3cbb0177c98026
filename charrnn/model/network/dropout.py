"""Dropout: whether a number is dropped is a hash of its place and of the seed, forward and backward the same one."""

import math

import tensorflow as tf

from charrnn.model.compute import stateless_random


def dropout(x: tf.Tensor, drop: float, seed: tf.Tensor) -> tf.Tensor:
    """Set some numbers to zero and enlarge the others, so that the mean stays.

    Args:
        x: Any shape that is known.
        drop: Probability of zero, `0 ≤ drop < 1`.
        seed: Two whole numbers, shape `(2,)`.
    """
    bits = stateless_random.bits(tf.reshape(tf.range(math.prod(x.shape)), x.shape), *tf.unstack(seed))
    threshold = tf.constant(min(round(drop * 2**32), 2**32 - 1), tf.uint32)
    return tf.where(bits >= threshold, x / (1 - drop), tf.zeros_like(x))
