"""What characters cost under scores: values and gradients against NumPy, in both number types."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.model.network.loss import cross_entropy
from tests.support.rounding import FUNCTION, assert_close

T, B, V = 3, 2, 11
DRAW = np.random.default_rng(8)
SCORES, BIAS = 4 * DRAW.normal(size=(T, B, V)), DRAW.normal(size=V)
TARGETS, UPSTREAM = DRAW.integers(0, V, (T, B)), DRAW.normal(size=(T, B))


def probabilities(scores):
    exponentials = np.exp(scores + BIAS)
    return exponentials / exponentials.sum(2, keepdims=True)


def found(scores, dtype):
    """Losses and gradients, within a graph as in training."""
    scores, bias = tf.constant(scores, dtype), tf.constant(BIAS, "float32")

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            tape.watch([scores, bias])
            losses = cross_entropy(scores, bias, tf.constant(TARGETS, tf.int32))
        return losses, *tape.gradient(losses, [scores, bias], tf.constant(UPSTREAM, losses.dtype))

    return [np.asarray(tf.cast(one, "float32")) for one in run()]


@pytest.mark.parametrize(("dtype", "roundings"), [("float32", V + 2 * FUNCTION), ("bfloat16", 2)])
def test_losses_and_gradients_are_those_of_the_formula(dtype, roundings):
    scores = np.asarray(tf.cast(tf.constant(SCORES, dtype), "float64"))
    expected, came = probabilities(scores), np.eye(V)[TARGETS]
    losses, d_scores, d_bias = found(scores, dtype)
    assert_close(losses, -np.log((expected * came).sum(2)), roundings=V + 2 * FUNCTION)
    assert_close(d_scores, UPSTREAM[..., None] * (expected - came), roundings=roundings, dtype=dtype)
    total = (UPSTREAM[..., None] * (expected - came)).sum((0, 1))
    assert_close(d_bias, total, roundings=roundings, dtype=dtype)


def test_scores_far_from_zero_give_no_infinities():
    losses, d_scores, _ = found(SCORES + 3e4, "float32")
    assert np.isfinite(losses).all() and np.isfinite(d_scores).all()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_gradients_of_scores_are_in_their_type(dtype):
    scores = tf.constant(SCORES, dtype)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        losses = cross_entropy(scores, tf.zeros(V), tf.constant(TARGETS, tf.int32))
    assert losses.dtype == tf.float32 and tape.gradient(losses, scores).dtype == dtype
