"""Chance without a generator: random numbers are a hash of their place and of a key.

A generator that passes every statistical test costs more than what its numbers are for, here; a hash of a few
multiplications runs inside the loop that needs it, and nothing is stored. Nothing is hidden either: the same place and
key give the same number, however many are asked for at a time.
"""

import tensorflow as tf


def bits(places: tf.Tensor, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Give 32 random bits for each place.

    Args:
        places: Whole numbers of any shape, distinct for numbers that are to be independent.
        first: One half of the key, a whole number; of other keys all numbers are others.
        second: The other half.

    Returns:
        Numbers of the same shape, of type `uint32`.
    """
    key = _mixed(_mixed(tf.cast(first, tf.uint32)) + tf.cast(second, tf.uint32))
    # twice, so that keys whose difference is small have nothing in common
    return _mixed(_mixed(tf.cast(places, tf.uint32) + key) ^ key)


def uniform(places: tf.Tensor, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Give a random number for each place, as `bits` does, but between 0 and 1 and never one of them."""
    highest = tf.bitwise.right_shift(bits(places, first, second), tf.constant(9, tf.uint32))  # 23, as floats have
    return (tf.cast(highest, tf.float32) + 0.5) / 2**23


def _mixed(x: tf.Tensor) -> tf.Tensor:
    """Let every bit of 32-bit numbers decide about all of them (the finalizer of MurmurHash3, Appleby 2008)."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = (x ^ tf.bitwise.right_shift(x, tf.constant(shift, tf.uint32))) * tf.constant(factor, tf.uint32)
    return x ^ tf.bitwise.right_shift(x, tf.constant(16, tf.uint32))
