"""Tests of the causal convolution against float64: values, state, gradients by finite differences."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.core.network_cost import CONVOLUTION_SIZE
from charrnn.model.network.convolution import KERNEL_SIZE, Convolution
from charrnn.model.network.initializers import Initializers
from tests.support.rounding import assert_close

T, B, H = 9, 2, 3
DRAW = np.random.default_rng(4)
X, PAST = DRAW.normal(size=(T, B, H)), DRAW.normal(size=(KERNEL_SIZE - 1, B, H))


@pytest.fixture(scope="module")
def layer():
    layer = Convolution(H, initializers=Initializers("article", seed=1), name="layer")
    layer.kernel.assign(DRAW.normal(size=(KERNEL_SIZE, H)))
    return layer


def by_steps(x, past, kernel):
    window = np.concatenate([past, x])
    return np.stack(
        [sum(kernel[k] * window[KERNEL_SIZE - 1 + t - k] for k in range(KERNEL_SIZE)) for t in range(len(x))]
    )


def convolve(layer, x, past):
    return layer.call(tf.constant(x, tf.float32), tf.unstack(tf.constant(past, tf.float32)))


def test_convolution_matches_the_formula(layer):
    y, _ = convolve(layer, X, PAST)
    assert_close(y, by_steps(X, PAST, layer.kernel.numpy()), roundings=2 * KERNEL_SIZE)


def test_initial_kernel_favors_the_newest_vector():
    kernel = Convolution(50, initializers=Initializers("article", seed=1), name="layer").kernel.numpy()
    np.testing.assert_array_equal(kernel[0], 1)
    assert 0.2 < kernel[1:].std() < 0.4


@pytest.mark.parametrize("cut", [1, 4, 8])
def test_convolution_carries_its_state_across_windows(layer, cut):
    whole, end = convolve(layer, X, PAST)
    first, between = convolve(layer, X[:cut], PAST)
    second, end_of_second = layer.call(tf.constant(X[cut:], tf.float32), between)
    assert_close(tf.concat([first, second], 0), whole, roundings=2 * KERNEL_SIZE)
    np.testing.assert_array_equal(end, end_of_second)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "kernels"])
def test_gradients_equal_finite_differences(layer, compiled):
    weights = DRAW.normal(size=X.shape)
    kernel = layer.kernel.numpy().astype(float)

    def gradients(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, _ = layer.call(x, tf.unstack(tf.constant(PAST, tf.float32)))
            loss = tf.reduce_sum(y * tf.constant(weights, tf.float32))
        return tape.gradient(loss, [x, layer.kernel.value])

    found = (tf.function(gradients) if compiled else gradients)(tf.constant(X, tf.float32))
    for number, (gradient, value) in enumerate(zip(found, (X, kernel), strict=True)):
        expected = np.zeros_like(value)
        for place in np.ndindex(value.shape):
            ends = []
            for nudge in (1e-6, -1e-6):
                moved = [X.copy(), kernel.copy()]
                moved[number][place] += nudge
                ends.append((weights * by_steps(moved[0], PAST, moved[1])).sum())
            expected[place] = (ends[0] - ends[1]) / 2e-6
        assert_close(gradient, expected, roundings=2 * T * B)  # the longest sum is a weight's, over all characters


def test_network_cost_uses_the_kernel_size():
    assert CONVOLUTION_SIZE == KERNEL_SIZE
