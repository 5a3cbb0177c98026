"""Tests of the cross-entropy and its gradients against NumPy, in float32 and bfloat16."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.model.network.loss import cross_entropy
from tests.support.rounding import FUNCTION, assert_close

T, B, V = 3, 2, 11
DRAW = np.random.default_rng(8)
LOGITS, BIAS = 4 * DRAW.normal(size=(T, B, V)), DRAW.normal(size=V)
TARGETS, UPSTREAM = DRAW.integers(0, V, (T, B)), DRAW.normal(size=(T, B))


def probabilities(logits):
    exponentials = np.exp(logits + BIAS)
    return exponentials / exponentials.sum(2, keepdims=True)


def found(logits, dtype):
    """Return losses and gradients, computed in a graph as in training."""
    logits, bias = tf.constant(logits, dtype), tf.constant(BIAS, "float32")

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            tape.watch([logits, bias])
            losses = cross_entropy(logits, bias, tf.constant(TARGETS, tf.int32))
        return losses, *tape.gradient(losses, [logits, bias], tf.constant(UPSTREAM, losses.dtype))

    return [np.asarray(tf.cast(one, "float32")) for one in run()]


@pytest.mark.parametrize(("dtype", "roundings"), [("float32", V + 2 * FUNCTION), ("bfloat16", 2)])
def test_losses_and_gradients_match_the_formula(dtype, roundings):
    logits = np.asarray(tf.cast(tf.constant(LOGITS, dtype), "float64"))
    expected, is_target = probabilities(logits), np.eye(V)[TARGETS]
    losses, d_logits, d_bias = found(logits, dtype)
    assert_close(losses, -np.log((expected * is_target).sum(2)), roundings=V + 2 * FUNCTION)
    assert_close(d_logits, UPSTREAM[..., None] * (expected - is_target), roundings=roundings, dtype=dtype)
    total = (UPSTREAM[..., None] * (expected - is_target)).sum((0, 1))
    assert_close(d_bias, total, roundings=roundings, dtype=dtype)


def test_large_logits_give_finite_results():
    losses, d_logits, _ = found(LOGITS + 3e4, "float32")
    assert np.isfinite(losses).all() and np.isfinite(d_logits).all()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_gradients_have_the_type_of_the_logits(dtype):
    logits = tf.constant(LOGITS, dtype)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = cross_entropy(logits, tf.zeros(V), tf.constant(TARGETS, tf.int32))
    assert losses.dtype == tf.float32 and tape.gradient(losses, logits).dtype == dtype
