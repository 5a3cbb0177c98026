"""Measure the peak speed of float32 matrix products on this machine, in turns."""

import sys

import tensorflow as tf
from turn_protocol import take_turns


def main() -> None:
    """Multiply square matrices of the given size."""
    size = int(sys.argv[1])
    a, b = tf.random.normal((size, size)), tf.random.normal((size, size))
    take_turns(lambda: tf.matmul(a, b).numpy())


if __name__ == "__main__":
    main()
