"""What a step of training is made of: compiled programs, and large matrix products between them.

XLA makes one loop of many small operations, which nothing else does as well; its matrix products reach half to four
fifths of what TensorFlow's own reach on a CPU (oneDNN's), and know no matrix unit in bfloat16. So a step is not one
program: where a graph is being built, each piece becomes one, and products stay outside. Where everything is compiled
at once anyway (writing, reading), pieces melt into that.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def product(a: tf.Tensor, b: tf.Tensor, dtype: str, *, transpose_a: bool = False) -> tf.Tensor:
    """Multiply matrices in `dtype`, which is also the type of the result; sums are added up in float32 or wider."""
    return tf.matmul(tf.cast(a, dtype), tf.cast(b, dtype), transpose_a=transpose_a)


def piece(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of tensors a program of its own, where a graph is being built."""

    def run(*tensors: Any) -> Any:
        if tf.executing_eagerly():
            return function(*tensors)
        return tf.function(function, jit_compile=True, autograph=False)(*tensors)

    return run


def fused(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of float tensors one program forward and one backward.

    The second computes again what it needs: that is cheaper than to write it to memory and read it.
    """

    @tf.custom_gradient
    def run(*tensors: tf.Tensor) -> Any:
        def backward(tensors: Any, upstream: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(tensors)
                results = function(*tensors)
            return tape.gradient(results, tensors, upstream)

        return piece(function)(*tensors), lambda *upstream: piece(backward)(tensors, upstream)

    return run
