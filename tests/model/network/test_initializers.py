"""Tests of the initializers of TensorFlow 1, char-rnn and Keras."""

import math

import numpy as np
import pytest

from charrnn.model.network.initializers import Initializers
from charrnn.model.network.network import Network
from tests.support.rounding import assert_close
from tests.support.tiny_networks import CLASSES, tiny

INPUTS, UNITS, GATES = 300, 100, 4


def drawn(initializer, *shape):
    return np.asarray(initializer(shape, dtype="float32"))


def assert_uniform(values, limit):
    """Assert that values are uniformly distributed up to the limit."""
    assert abs(values).max() <= limit * (1 + 1e-6) and abs(values).max() > 0.98 * limit
    assert values.std() == pytest.approx(limit / math.sqrt(3), rel=0.02)
    assert abs(values.mean()) < 0.02 * limit


def test_article_uses_one_glorot_range_over_the_joint_matrix():
    initializers = Initializers("article", seed=1)
    limit = math.sqrt(6 / (INPUTS + 5 * UNITS))
    assert_uniform(drawn(initializers.input(INPUTS, UNITS, GATES), INPUTS, GATES * UNITS), limit)
    assert_uniform(drawn(initializers.recurrent(INPUTS, UNITS, GATES), UNITS, GATES * UNITS), limit)
    assert_uniform(drawn(initializers.embedding(), INPUTS, UNITS), math.sqrt(6 / (INPUTS + UNITS)))


def test_article_output_is_a_truncated_normal_of_0_1():
    weights = drawn(Initializers("article", seed=1).output(), 400, 300)
    assert abs(weights).max() <= 0.2
    assert weights.std() == pytest.approx(0.1 * 0.8796, rel=0.01)  # the standard deviation after truncation at two
    assert not drawn(Initializers("article", seed=1).output_bias(), 300).any()


def test_karpathy_draws_everything_within_0_08():
    initializers = Initializers("karpathy", seed=1)
    for initializer in (
        initializers.input(INPUTS, UNITS, GATES),
        initializers.recurrent(INPUTS, UNITS, GATES),
        initializers.embedding(),
        initializers.output(),
    ):
        assert_uniform(drawn(initializer, INPUTS, UNITS), 0.08)
    assert_uniform(drawn(initializers.output_bias(), 10_000), 0.08)


def test_karpathy_bias_is_the_sum_of_two_and_the_forget_gate_starts_at_1():
    bias = drawn(Initializers("karpathy", seed=1).bias(forget=slice(10_000, 20_000)), 40_000)
    forget, others = bias[10_000:20_000], np.delete(bias, slice(10_000, 20_000))
    assert_uniform(forget - 1, 0.08)
    assert 0.15 < abs(others).max() <= 0.16
    assert others.std() == pytest.approx(0.08 * math.sqrt(2 / 3), rel=0.02)


def test_karpathy_gru_has_two_small_biases():
    layer = Network(tiny(cell="gru", init="karpathy", lstm_size=2000), CLASSES).recurrent[0]
    for bias in (layer.bias, layer.recurrent_bias):
        assert_uniform(bias.numpy(), 0.08)


def test_keras_uses_glorot_inputs_and_orthogonal_recurrent_weights():
    initializers = Initializers("keras", seed=1)
    limit = math.sqrt(6 / (INPUTS + GATES * UNITS))
    assert_uniform(drawn(initializers.input(INPUTS, UNITS, GATES), INPUTS, GATES * UNITS), limit)
    recurrent = drawn(initializers.recurrent(INPUTS, UNITS, GATES), UNITS, GATES * UNITS)
    assert_close(recurrent @ recurrent.T, np.eye(UNITS), roundings=UNITS)
    assert_uniform(drawn(initializers.embedding(), INPUTS, UNITS), 0.05)
    assert_uniform(drawn(initializers.output(), INPUTS, UNITS), math.sqrt(6 / (INPUTS + UNITS)))


@pytest.mark.parametrize("init", ["article", "keras"])
def test_lstm_forget_gate_starts_at_1_and_other_biases_at_0(init):
    for layer in Network(tiny(init=init), CLASSES).recurrent:
        assert layer.bias.numpy().tolist() == [0] * 5 + [1] * 5 + [0] * 10


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_cells_without_a_forget_gate_start_with_zero_biases(cell):
    for layer in Network(tiny(cell=cell), CLASSES).recurrent:
        assert not layer.bias.numpy().any()


def test_mingru_gates_initially_remember_two_to_twenty_characters():
    gate = Network(tiny(cell="mingru"), CLASSES).recurrent[0].bias.numpy()[:5]
    update = 1 / (1 + np.exp(-gate))
    assert_close(gate, [-3, -2, -1, 0, 1], roundings=2)
    assert 1 < 1 / update[-1] < 2 and 20 < 1 / update[0] < 22


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "mingru"])
def test_initial_weights_depend_on_the_seed_only(cell):
    one, two, other = (Network(tiny(cell=cell, seed=seed), CLASSES) for seed in (7, 7, 8))
    for a, b, c in zip(one.weights, two.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b)
        if "kernel" in a.path or "table" in a.path:
            assert not np.array_equal(a, c), a.path


def test_equal_layers_get_different_weights():
    first, second, third = Network(tiny(num_layers=3), CLASSES).recurrent
    assert not np.array_equal(second.kernel, third.kernel)
    assert not np.array_equal(first.recurrent_kernel, second.recurrent_kernel)
