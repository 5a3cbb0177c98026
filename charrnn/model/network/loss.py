"""Compute the cross-entropy of characters without storing the probabilities of all classes.

With thousands of classes, the logits are the largest array of a step by far, so they are read as rarely as possible,
and only in the data type of the product.

T  time steps     B  sequences     V  classes
"""

from typing import Any

import tensorflow as tf

from charrnn.model.compute.xla_kernels import matmul, xla_kernel


def _biased(logits: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    return tf.cast(logits, bias.dtype) + bias


@xla_kernel
def _forward(logits: tf.Tensor, bias: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    logits = _biased(logits, bias)
    highest = tf.reduce_max(logits, 2)
    log_sums = tf.math.log(tf.reduce_sum(tf.exp(logits - highest[..., None]), 2)) + highest
    return log_sums - tf.gather(logits, targets, batch_dims=2), log_sums


@xla_kernel
def _backward(
    logits: tf.Tensor, bias: tf.Tensor, targets: tf.Tensor, log_sums: tf.Tensor, upstream: tf.Tensor
) -> tf.Tensor:
    is_target = tf.cast(tf.range(logits.shape[2]) == targets[..., None], bias.dtype)
    probabilities = tf.exp(_biased(logits, bias) - log_sums[..., None])
    return tf.cast(upstream[..., None] * (probabilities - is_target), logits.dtype)


def cross_entropy(logits: tf.Tensor, bias: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Return the cross-entropy of each character in nats: `log Σ_v exp(l_v + b_v) - (l_y + b_y)`.

    Args:
        logits: Products with the output matrix, without bias, shape `(T, B, V)`, of any float type.
        bias: Shape `(V,)`; determines the data type of the result.
        targets: The characters that follow, shape `(T, B)`.

    Returns:
        Shape `(T, B)`.
    """

    @tf.custom_gradient
    def run(logits: tf.Tensor, bias: tf.Tensor) -> Any:
        losses, log_sums = _forward(logits, bias, targets)

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            d_logits = _backward(logits, bias, targets, log_sums, upstream)
            rows = tf.reshape(d_logits, (-1, d_logits.shape[2]))
            # Sums the rows; inside the kernel, XLA would compute all of them a second time.
            total = matmul(tf.ones((1, rows.shape[0])), rows, rows.dtype)
            return d_logits, tf.cast(total[0], bias.dtype)

        return losses, gradient

    return run(logits, bias)
