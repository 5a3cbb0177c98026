"""What this machine computes on."""

import tensorflow as tf


def has_gpu() -> bool:
    """Return whether TensorFlow sees a GPU here, and so computes on it."""
    return bool(tf.config.list_physical_devices("GPU"))
