"""Compile functions with XLA, and multiply large matrices outside of it.

XLA fuses loops of many small operations better than anything else, but its large matrix products reach only half to
four fifths of the speed of TensorFlow's own on a CPU (oneDNN), and less in bfloat16. So a training step is not one
compiled function: while a graph is built, each kernel is compiled separately and large products stay outside. In a
function that is compiled as a whole (generation, evaluation), kernels become part of that function.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from charrnn.core.cpu_info import bfloat16_flag
from charrnn.model.compute.gpu_detection import has_gpu


def matmul(
    a: tf.Tensor, b: tf.Tensor, dtype: str, *, transpose_a: bool = False, transpose_b: bool = False
) -> tf.Tensor:
    """Multiply matrices, or batches of them, in `dtype`; the result has the same type.

    Sums are accumulated in float32 or wider. On a CPU without bfloat16 instructions, factors are rounded to bfloat16
    and multiplied in float32, which is exact and faster than TensorFlow's own bfloat16 product.
    """
    a, b = tf.cast(a, dtype), tf.cast(b, dtype)
    transposed = {"transpose_a": transpose_a, "transpose_b": transpose_b}
    if a.dtype == tf.bfloat16 and bfloat16_flag() is None and not has_gpu():
        return tf.cast(tf.matmul(tf.cast(a, tf.float32), tf.cast(b, tf.float32), **transposed), tf.bfloat16)
    return tf.matmul(a, b, **transposed)


def xla_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of tensors with XLA, separately from the graph that calls it.

    It is compiled once for all tensors of the same shapes and types, so equal layers and the trainings of a process
    share it. Keyword arguments are constants: each value compiles another kernel.
    """
    compiled = tf.function(function, jit_compile=True, autograph=False)

    def run(*tensors: Any, **constants: Any) -> Any:
        return (function if tf.executing_eagerly() else compiled)(*tensors, **constants)

    return run


def fused_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of tensors to one kernel forward and one backward; keyword arguments are constants.

    The backward kernel recomputes intermediate results, which is cheaper than storing and loading them.
    """

    def derived(tensors: tuple[tf.Tensor, ...], upstream: Any, **constants: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([tensor for tensor in tensors if tensor.dtype.is_floating])
            results = function(*tensors, **constants)
        return tape.gradient(results, tensors, upstream)

    forward, backward = xla_kernel(function), xla_kernel(derived)

    def run(*tensors: tf.Tensor, **constants: Any) -> Any:
        @tf.custom_gradient
        def once(*tensors: tf.Tensor) -> Any:
            return forward(*tensors, **constants), lambda *upstream: backward(tensors, upstream, **constants)

        return once(*tensors)

    return run
