"""What the time loops share."""

import tensorflow as tf

from charrnn.model.compute.xla_compile import product


def before(first: tf.Tensor, all_steps: tf.Tensor) -> tf.Tensor:
    """Return what each step saw: `first`, then every step's value but the last, shape `(T, B, H)`."""
    return tf.concat([first[None], all_steps[:-1]], 0)


def arrays(steps: int, dtype: tf.DType, *shapes: tuple[int, ...]) -> list[tf.TensorArray]:
    """Make one array for what each step gives, for each shape."""
    return [tf.TensorArray(dtype, steps, element_shape=shape) for shape in shapes]


def passed_on(state: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """Multiply what one step hands to the next with a matrix, in the matrix' type; the sum stays in the state's.

    On a CPU, XLA has a product of bfloat16 whose sums are float32, faster the larger it is; for sums in bfloat16 it
    would turn all into float32 and back.
    """
    if matrix.dtype == state.dtype:
        return tf.matmul(state, matrix)
    state = tf.cast(state, matrix.dtype)
    if tf.executing_eagerly():  # knows no such product; the product of two numbers in bfloat16 is exact in float32
        return tf.matmul(*(tf.cast(one, tf.float32) for one in (state, matrix)))
    return tf.matmul(state, matrix, output_type=tf.float32)


def transposed(matrix: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Transpose a matrix for `passed_on`, before the loop's program: within it XLA would have the product read columns,
    which the one of bfloat16 cannot."""
    return tf.transpose(tf.cast(matrix, dtype))


def over_time(states: tf.Tensor, gradients: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Sum the outer products of all steps: shape `(H, G)` in `dtype` from `(T, B, H)` and `(T, B, G)`."""
    rows = states.shape[0] * states.shape[1]
    states, gradients = tf.reshape(states, (rows, -1)), tf.reshape(gradients, (rows, -1))
    return tf.cast(product(states, gradients, gradients.dtype, transpose_a=True), dtype)
