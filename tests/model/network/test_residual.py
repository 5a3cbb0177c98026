"""Tests of the residual stream and its norm in float64: values, and gradients against finite differences."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.model.network.residual import add_and_norm, rms_norm

T, B, H = 3, 2, 5
DRAW = np.random.default_rng(11)
X, Y = DRAW.normal(size=(2, T, B, H))
SEED = tf.constant([3, 4])


def norm(x):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)


def test_rms_norm_matches_the_formula():
    np.testing.assert_allclose(rms_norm(tf.constant(X), "float64"), norm(X), rtol=1e-12)


def test_add_and_norm_returns_the_sum_and_its_norm():
    total, read = add_and_norm(tf.constant(X), tf.constant(Y), "float64")
    np.testing.assert_allclose(total, X + Y, rtol=1e-12)
    np.testing.assert_allclose(read, norm(X + Y), rtol=1e-12)


def test_dropout_applies_to_the_added_output_only():
    total, read = add_and_norm(tf.constant(X), tf.constant(Y), "float64", dropout_rate=0.5, seed=SEED)
    share = (total - X) / Y
    dropped = abs(share) < 1e-9
    assert 0 < dropped.numpy().mean() < 1
    # Kept numbers are doubled, so that the expected value is unchanged.
    np.testing.assert_allclose(share[~dropped], 2, rtol=1e-9)
    np.testing.assert_allclose(read, norm(total.numpy()), rtol=1e-12)


OPERATIONS = {
    "norm": lambda x, y: [rms_norm(x, "float64") * y],
    "sum": lambda x, y: add_and_norm(x, y, "float64"),
    "sum with dropout": lambda x, y: add_and_norm(x, y, "float64", dropout_rate=0.3, seed=SEED),
}


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "kernels"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_gradients_equal_finite_differences(operation, compiled):
    weights = DRAW.normal(size=(2, T, B, H))

    def loss(x, y):
        return tf.add_n([tf.reduce_sum(w * r) for w, r in zip(weights, OPERATIONS[operation](x, y), strict=False)])

    def gradients(x, y):
        with tf.GradientTape() as tape:
            tape.watch((x, y))
            value = loss(x, y)
        return tape.gradient(value, (x, y))

    found = (tf.function(gradients) if compiled else gradients)(tf.constant(X), tf.constant(Y))
    for number, gradient in enumerate(found):
        for place in np.ndindex(X.shape):
            ends = []
            for nudge in (1e-6, -1e-6):
                moved = [X.copy(), Y.copy()]
                moved[number][place] += nudge
                ends.append(float(loss(*map(tf.constant, moved))))
            assert gradient.numpy()[place] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5, abs=1e-7)


def test_residual_stream_stays_in_float32_with_bfloat16_outputs():
    x, y = tf.constant(X, tf.float32), tf.cast(Y, tf.bfloat16)
    with tf.GradientTape() as tape:
        tape.watch((x, y))
        total, read = add_and_norm(x, y, "bfloat16")
    assert (total.dtype, read.dtype) == (tf.float32, tf.bfloat16)
    assert [g.dtype for g in tape.gradient((total, read), (x, y))] == [tf.float32, tf.bfloat16]
