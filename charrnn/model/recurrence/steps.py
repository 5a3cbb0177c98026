"""What the time loops share."""

import tensorflow as tf

from charrnn.model.pieces import product


def before(first: tf.Tensor, all_steps: tf.Tensor) -> tf.Tensor:
    """Return what each step saw: `first`, then every step's value but the last, shape `(T, B, H)`."""
    return tf.concat([first[None], all_steps[:-1]], 0)


def arrays(steps: int, dtype: tf.DType, *shapes: tuple[int, ...]) -> list[tf.TensorArray]:
    """Make one array for what each step gives, for each shape."""
    return [tf.TensorArray(dtype, steps, element_shape=shape) for shape in shapes]


def over_time(states: tf.Tensor, gradients: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Sum the outer products of all steps: shape `(H, G)` in `dtype` from `(T, B, H)` and `(T, B, G)`."""
    rows = states.shape[0] * states.shape[1]
    states, gradients = tf.reshape(states, (rows, -1)), tf.reshape(gradients, (rows, -1))
    return tf.cast(product(states, gradients, gradients.dtype, transpose_a=True), dtype)
