"""Generate random numbers as hashes of a counter and a key (counter-based, stateless).

A hash of a few multiplications is cheaper than a generator that passes every statistical test, runs inside the loop
that needs it, and stores nothing. The same counter and key always give the same number, however many are generated at
a time.
"""

import tensorflow as tf


def random_bits(counters: tf.Tensor, key1: tf.Tensor, key2: tf.Tensor) -> tf.Tensor:
    """Return 32 random bits for each counter.

    Args:
        counters: Integers of any shape; distinct counters give independent numbers.
        key1: First half of the key, an integer; different keys give unrelated numbers.
        key2: Second half of the key.

    Returns:
        Integers of the same shape, of type `uint32`.
    """
    key = _mixed(_mixed(tf.cast(key1, tf.uint32)) + tf.cast(key2, tf.uint32))
    # Mixed twice, so that keys with a small difference give unrelated numbers.
    return _mixed(_mixed(tf.cast(counters, tf.uint32) + key) ^ key)


def uniform(counters: tf.Tensor, key1: tf.Tensor, key2: tf.Tensor) -> tf.Tensor:
    """Return a random number for each counter, as `random_bits` does, uniform in the open interval (0, 1)."""
    hashes = random_bits(counters, key1, key2)
    highest = tf.bitwise.right_shift(hashes, tf.constant(9, tf.uint32))  # 23 bits, as in a float's mantissa
    return (tf.cast(highest, tf.float32) + 0.5) / 2**23


def _mixed(x: tf.Tensor) -> tf.Tensor:
    """Mix 32-bit integers so that every bit affects all bits (finalizer of MurmurHash3, Appleby 2008)."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = (x ^ tf.bitwise.right_shift(x, tf.constant(shift, tf.uint32))) * tf.constant(factor, tf.uint32)
    return x ^ tf.bitwise.right_shift(x, tf.constant(16, tf.uint32))
