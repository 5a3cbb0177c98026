"""Dropout without a generator of random numbers: whether a number is dropped is a hash of its place and of the seed.

A generator that passes every statistical test costs more than a layer's products here; a hash of two multiplications
runs inside the loop that applies it, forward and backward, and nothing is stored. Nothing is hidden either: the same
seed drops the same places.
"""

import math

import tensorflow as tf


def _mixed(bits: tf.Tensor) -> tf.Tensor:
    """Let every bit of 32-bit numbers decide about all of them (the finalizer of MurmurHash3, Appleby 2008)."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        bits = (bits ^ tf.bitwise.right_shift(bits, tf.constant(shift, tf.uint32))) * tf.constant(factor, tf.uint32)
    return bits ^ tf.bitwise.right_shift(bits, tf.constant(16, tf.uint32))


def dropout(x: tf.Tensor, drop: float, seed: tf.Tensor) -> tf.Tensor:
    """Set some numbers to zero and enlarge the others, so that the mean stays.

    Args:
        x: Any shape that is known.
        drop: Probability of zero, `0 ≤ drop < 1`.
        seed: Two whole numbers, shape `(2,)`.
    """
    first, second = tf.unstack(tf.cast(seed, tf.uint32))
    key = _mixed(_mixed(first) + second)
    places = tf.reshape(tf.cast(tf.range(math.prod(x.shape)), tf.uint32), x.shape)
    bits = _mixed(_mixed(places + key) ^ key)  # twice, so that keys whose difference is small have nothing in common
    threshold = tf.constant(min(round(drop * 2**32), 2**32 - 1), tf.uint32)
    return tf.where(bits >= threshold, x / (1 - drop), tf.zeros_like(x))
