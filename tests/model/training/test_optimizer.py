"""Tests of optimizers, gradient clipping and learning-rate schedules against their formulas."""

import math

import numpy as np
import pytest
import tensorflow as tf

from charrnn.model.network.network import Network
from charrnn.model.training import muon
from charrnn.model.training.optimizer import clipped, scheduled_rate
from charrnn.model.training.weight_update import WeightUpdate
from tests.support.rounding import FUNCTION, assert_close
from tests.support.tiny_networks import CLASSES, tiny

STEPS = 3
ROUNDINGS = STEPS * 2 * FUNCTION
"""A dozen operations in each step, including a root and a division."""
ORTHOGONAL = math.prod(a for a, _, _ in muon.POLYNOMIALS) * (7 + 19)
"""Sums over rows and columns; each polynomial amplifies small singular values by up to its first coefficient."""


def updated(options):
    """Return weights before and after some steps with random gradients, and the gradients, by name."""
    network = Network(options, CLASSES)
    update = WeightUpdate(options | {"grad_clip": 0}, network, network)
    draw = np.random.default_rng(9)
    before = {v.path: v.numpy() for v in network.trainable_variables}
    steps = [{name: draw.normal(size=w.shape) for name, w in before.items()} for _ in range(STEPS)]
    for gradients in steps:
        values = [tf.constant(gradients[v.path], tf.float32) for v in network.trainable_variables]
        update([tf.zeros(())], [update.join(values)], tf.constant(options["learning_rate"]))
    after = {v.path: v.numpy() for v in network.trainable_variables}
    return before, after, {name: [gradients[name] for gradients in steps] for name in before}


def adam(weights, gradients, rate, beta_2=0.999, decay=0.0):
    m = v = 0.0
    for step, gradient in enumerate(gradients, 1):
        weights = weights - rate * decay * weights
        m, v = 0.9 * m + 0.1 * gradient, beta_2 * v + (1 - beta_2) * gradient**2
        weights = weights - rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - beta_2**step)) + 1e-8)
    return weights


def char_rnns_rmsprop(weights, gradients, rate):
    m = 0.0
    for gradient in gradients:
        m = 0.95 * m + 0.05 * gradient**2
        weights = weights - rate * gradient / (np.sqrt(m) + 1e-8)
    return weights


def test_adam_matches_tensorflow_1():
    before, after, gradients = updated(tiny(optimizer="adam", learning_rate=0.01))
    for name, weights in before.items():
        assert_close(after[name], adam(weights, gradients[name], 0.01), roundings=ROUNDINGS)


def test_rmsprop_matches_char_rnn():
    before, after, gradients = updated(tiny(optimizer="rmsprop", learning_rate=0.002))
    for name, weights in before.items():
        expected = char_rnns_rmsprop(weights, gradients[name], 0.002)
        assert_close(after[name], expected, roundings=ROUNDINGS)


def test_rmsprop_takes_full_steps_for_tiny_gradients():
    """Keras' default epsilon of 1e-7, inside the root, would suppress gradients below 3e-4."""
    options = tiny(optimizer="rmsprop", learning_rate=0.002)
    network = Network(options, CLASSES)
    before, update = network.output_bias.numpy(), WeightUpdate(options, network, network)
    update([tf.zeros(())], [update.join([tf.fill(v.shape, 1e-6) for v in network.weights])], tf.constant(0.002))
    np.testing.assert_allclose(before - network.output_bias.numpy(), 0.002 / math.sqrt(0.05), rtol=0.02)


@pytest.mark.parametrize("cell", ["lstm", "mingru"])
def test_adamw_decays_matrices_but_not_biases(cell):
    options = tiny(optimizer="adamw", learning_rate=0.01, weight_decay=0.3, cell=cell, use_embedding=True)
    before, after, gradients = updated(options)
    for name, weights in before.items():
        decay = 0.3 if weights.ndim == 2 else 0
        expected = adam(weights, gradients[name], 0.01, beta_2=0.99, decay=decay)
        assert_close(after[name], expected, roundings=ROUNDINGS, name=name)


def orthogonal(matrix):
    """Return a matrix with the same singular vectors, and singular values mapped by Muon's polynomials."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    values = values / np.linalg.norm(matrix)
    for a, b, c in muon.POLYNOMIALS:
        values = a * values + b * values**3 + c * values**5
    return left * values @ right


def muon_weights(weights, gradients, rate, decay):
    momentum = 0.0
    for gradient in gradients:
        momentum = 0.8 * momentum + 0.2 * gradient
        update = 0.6 * math.sqrt(max(weights.shape)) * orthogonal(0.8 * momentum + 0.2 * gradient)
        weights = weights - rate * (decay * weights + update)
    return weights


HIDDEN_MATRICES = {
    ("lstm", False): {"layer_1/recurrent_kernel", "layer_2/kernel", "layer_2/recurrent_kernel"},
    ("gru", True): {f"layer_{number}/{name}" for number in (1, 2) for name in ("kernel", "recurrent_kernel")},
    ("mingru", True): {f"layer_{number}/{name}" for number in (1, 2) for name in ("kernel", "output_kernel")},
}


@pytest.mark.parametrize(("cell", "embeds"), HIDDEN_MATRICES)
def test_muon_updates_hidden_matrices_and_adamw_everything_else(cell, embeds):
    options = tiny(optimizer="muon", learning_rate=0.01, weight_decay=0.3, cell=cell, use_embedding=embeds)
    before, after, gradients = updated(options)
    for name, weights in before.items():
        if name in HIDDEN_MATRICES[cell, embeds]:
            expected = muon_weights(weights, gradients[name], 0.01, decay=0.3)
        else:
            decay = 0.3 if weights.ndim == 2 else 0
            expected = adam(weights, gradients[name], 0.01, beta_2=0.99, decay=decay)
        assert_close(after[name], expected, roundings=ROUNDINGS + STEPS * ORTHOGONAL, name=name)


@pytest.mark.parametrize("shape", [(7, 19), (19, 7), (3, 9, 14)])
def test_muon_maps_singular_values_near_1_and_keeps_singular_vectors(shape):
    matrices = np.random.default_rng(5).normal(size=shape)
    found = muon.orthogonalized(tf.constant(matrices, tf.float32), "float32").numpy()
    assert np.all(np.abs(np.linalg.svd(found, compute_uv=False) - 1) < 0.28)
    one_by_one = [orthogonal(matrix) for matrix in matrices.reshape(-1, *shape[-2:])]
    assert_close(found.reshape(-1, *shape[-2:]), one_by_one, roundings=ORTHOGONAL)


def test_muon_does_not_change_a_matrix_without_gradient():
    np.testing.assert_array_equal(muon.orthogonalized(tf.zeros((4, 6)), "float32"), np.zeros((4, 6)))


GRADIENTS = [np.array([[3.0, -4.0]], "float32"), np.array([12.0], "float32")]  # global norm 13


def after_clipping(**changes):
    tensors = [tf.constant(gradient) for gradient in GRADIENTS]
    return [g.numpy() for g in clipped(tensors, tf.linalg.global_norm(tensors), tiny(**changes))]


def test_clipping_by_norm_scales_all_gradients():
    for result, gradient in zip(after_clipping(grad_clip=6.5), GRADIENTS, strict=True):
        np.testing.assert_allclose(result, gradient / 2, rtol=1e-6)


@pytest.mark.parametrize("limit", [0, 13, 1000])
def test_small_gradients_are_not_clipped_and_0_disables_clipping(limit):
    for result, gradient in zip(after_clipping(grad_clip=limit), GRADIENTS, strict=True):
        np.testing.assert_array_equal(result, gradient)


def test_clipping_by_value_applies_to_the_summed_loss():
    """char-rnn clamps to ±5 before it divides by the length of the sequence (train.lua)."""
    results = after_clipping(grad_clip=14, clip_by="value", num_steps=4)
    np.testing.assert_allclose(results[0], [[3, -3.5]])
    np.testing.assert_allclose(results[1], [3.5])


def rate(step=0, done=0.0, epochs=0, **changes):
    return scheduled_rate(tiny(learning_rate=0.5, **changes), step=step, done=done, epochs=epochs)


def test_constant_schedule_is_constant():
    assert {rate(step, done=step / 100, epochs=step) for step in range(100)} == {0.5}


def test_warm_up_is_linear():
    assert [rate(step, warmup_steps=4) for step in range(6)] == [0.125, 0.25, 0.375, 0.5, 0.5, 0.5]


def test_cosine_decreases_to_two_percent():
    descending = [rate(done=done / 10, lr_schedule="cosine") for done in range(11)]
    assert descending == sorted(descending, reverse=True)
    assert descending[0] == 0.5 and descending[5] == pytest.approx(0.255) and descending[10] == pytest.approx(0.01)
    assert descending[3] == pytest.approx(0.5 * (0.02 + 0.98 * (1 + math.cos(0.3 * math.pi)) / 2))


def test_cosine_is_constant_after_its_end():
    assert rate(done=1.7, lr_schedule="cosine") == pytest.approx(0.01)


def test_warm_up_and_cosine_multiply():
    expected = 0.5 * rate(done=0.3, lr_schedule="cosine")
    assert rate(step=4, done=0.3, lr_schedule="cosine", warmup_steps=10) == pytest.approx(expected)


def char_rnns_rate(epochs, after):
    """Return the rate after some epochs, computed as in char-rnn."""
    value = 0.5
    for ended in range(1, epochs + 1):
        if ended >= after:
            value *= 0.97
    return value


@pytest.mark.parametrize("after", [0, 1, 10])
def test_decay_matches_char_rnn(after):
    for epochs in range(14):
        ours = rate(epochs=epochs, lr_schedule="decay", lr_decay=0.97, lr_decay_after=after)
        assert ours == pytest.approx(char_rnns_rate(epochs, after)), epochs
