"""The fastest that matrix products get on this machine: square ones in float32, in turns."""

import sys

import tensorflow as tf
from turns import take_turns


def main() -> None:
    """Multiply matrices of as many rows and columns as asked."""
    size = int(sys.argv[1])
    a, b = tf.random.normal((size, size)), tf.random.normal((size, size))
    take_turns(lambda: tf.matmul(a, b).numpy())


if __name__ == "__main__":
    main()
