"""What a step of training is made of: compiled programs, and large matrix products between them.

XLA makes one loop of many small operations, which nothing else does as well; its large matrix products reach half to
four fifths of what TensorFlow's own reach on a CPU (oneDNN's), less in bfloat16. So a step is not one program: where a
graph is being built, each piece becomes one, and large products stay outside. Where everything is compiled at once
anyway (writing, reading), pieces melt into that.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from charrnn.core.cpu_features import bfloat16_flag
from charrnn.model.compute.gpu import has_gpu


def product(
    a: tf.Tensor, b: tf.Tensor, dtype: str, *, transpose_a: bool = False, transpose_b: bool = False
) -> tf.Tensor:
    """Multiply matrices, or batches of them, in `dtype`, which is also the type of the result.

    Sums are added up in float32 or wider. On a CPU without instructions for bfloat16, factors are rounded to bfloat16
    and multiplied in float32, where their products are exact: the numbers are the same, and come sooner.
    """
    a, b = tf.cast(a, dtype), tf.cast(b, dtype)
    how = {"transpose_a": transpose_a, "transpose_b": transpose_b}
    if a.dtype == tf.bfloat16 and bfloat16_flag() is None and not has_gpu():
        return tf.cast(tf.matmul(tf.cast(a, tf.float32), tf.cast(b, tf.float32), **how), tf.bfloat16)
    return tf.matmul(a, b, **how)


def piece(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of tensors a program of its own, where a graph is being built.

    It is compiled once for all tensors of the same shapes and types, so that equal layers share it, and so do
    trainings of one process. Arguments by name are constants: each value makes another program.
    """
    compiled = tf.function(function, jit_compile=True, autograph=False)

    def run(*tensors: Any, **constants: Any) -> Any:
        return (function if tf.executing_eagerly() else compiled)(*tensors, **constants)

    return run


def fused(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of tensors one program forward and one backward; arguments by name are constants.

    The second computes again what it needs: that is cheaper than to write it to memory and read it.
    """

    def derived(tensors: tuple[tf.Tensor, ...], upstream: Any, **constants: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([tensor for tensor in tensors if tensor.dtype.is_floating])
            results = function(*tensors, **constants)
        return tape.gradient(results, tensors, upstream)

    forward, backward = piece(function), piece(derived)

    def run(*tensors: tf.Tensor, **constants: Any) -> Any:
        @tf.custom_gradient
        def once(*tensors: tf.Tensor) -> Any:
            return forward(*tensors, **constants), lambda *upstream: backward(tensors, upstream, **constants)

        return once(*tensors)

    return run
