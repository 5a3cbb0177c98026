"""Operations that the time loops share."""

import tensorflow as tf

from charrnn.model.compute.xla_kernels import matmul


def previous_states(initial: tf.Tensor, states: tf.Tensor) -> tf.Tensor:
    """Return the state before each step: `initial`, then all `states` but the last, shape `(T, B, H)`."""
    return tf.concat([initial[None], states[:-1]], 0)


def tensor_arrays(steps: int, dtype: tf.DType, *shapes: tuple[int, ...]) -> list[tf.TensorArray]:
    """Create an array with one element per step for each shape."""
    return [tf.TensorArray(dtype, steps, element_shape=shape) for shape in shapes]


def recurrent_matmul(state: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """Multiply a state with a matrix in the matrix' type; the sum has the state's type.

    On a CPU, XLA has a fast bfloat16 product with float32 sums; for bfloat16 sums, it would convert everything to
    float32 and back.
    """
    if matrix.dtype == state.dtype:
        return tf.matmul(state, matrix)
    state = tf.cast(state, matrix.dtype)
    if tf.executing_eagerly():  # eager mode lacks this product; products of two bfloat16 numbers are exact in float32
        return tf.matmul(*(tf.cast(factor, tf.float32) for factor in (state, matrix)))
    return tf.matmul(state, matrix, output_type=tf.float32)


def transposed(matrix: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Transpose a matrix for `recurrent_matmul`.

    Called outside the loop's kernel: inside it, XLA would read the matrix by columns, which its bfloat16 product
    does not support.
    """
    return tf.transpose(tf.cast(matrix, dtype))


def recurrent_gradient(states: tf.Tensor, gradients: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Sum the outer products of all steps: shape `(H, G)` in `dtype` from `(T, B, H)` and `(T, B, G)`."""
    rows = states.shape[0] * states.shape[1]
    states, gradients = tf.reshape(states, (rows, -1)), tf.reshape(gradients, (rows, -1))
    return tf.cast(matmul(states, gradients, gradients.dtype, transpose_a=True), dtype)
