"""What the characters that came cost under a network's scores, without keeping the probabilities of all others.

With thousands of classes the scores of a step are its largest array by far, so it is read as seldom as possible, and
only in the type that the product gave.

T  time steps     B  sequences     V  classes
"""

from typing import Any

import tensorflow as tf

from charrnn.model.compute.xla_compile import piece, product


def _logits(scores: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    return tf.cast(scores, bias.dtype) + bias


@piece
def _forward(scores: tf.Tensor, bias: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    logits = _logits(scores, bias)
    highest = tf.reduce_max(logits, 2)
    log_sums = tf.math.log(tf.reduce_sum(tf.exp(logits - highest[..., None]), 2)) + highest
    return log_sums - tf.gather(logits, targets, batch_dims=2), log_sums


@piece
def _backward(
    scores: tf.Tensor, bias: tf.Tensor, targets: tf.Tensor, log_sums: tf.Tensor, upstream: tf.Tensor
) -> tf.Tensor:
    came = tf.cast(tf.range(scores.shape[2]) == targets[..., None], bias.dtype)
    probabilities = tf.exp(_logits(scores, bias) - log_sums[..., None])
    return tf.cast(upstream[..., None] * (probabilities - came), scores.dtype)


def cross_entropy(scores: tf.Tensor, bias: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Return the nats of each character: `log Σ_v exp(s_v + b_v) - (s_y + b_y)`.

    Args:
        scores: Products with the output matrix, shape `(T, B, V)`, of any float type.
        bias: Shape `(V,)`; the result is in its type.
        targets: The characters that came, shape `(T, B)`.

    Returns:
        Shape `(T, B)`.
    """

    @tf.custom_gradient
    def run(scores: tf.Tensor, bias: tf.Tensor) -> Any:
        losses, log_sums = _forward(scores, bias, targets)

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            found = _backward(scores, bias, targets, log_sums, upstream)
            rows = tf.reshape(found, (-1, found.shape[2]))
            # a sum over rows; in XLA it would compute all of them again
            total = product(tf.ones((1, rows.shape[0])), rows, rows.dtype)
            return found, tf.cast(total[0], bias.dtype)

        return losses, gradient

    return run(scores, bias)
