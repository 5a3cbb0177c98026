"""Detect GPUs."""

import tensorflow as tf


def has_gpu() -> bool:
    """Return whether TensorFlow sees a GPU, on which it then computes."""
    return bool(tf.config.list_physical_devices("GPU"))
