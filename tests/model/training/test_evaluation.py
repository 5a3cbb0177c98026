"""Tests of the loss of a text against a character-by-character loop."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.model.network.network import Network
from charrnn.model.training import evaluation
from charrnn.model.training.evaluation import Evaluation
from tests.support.rounding import FUNCTION, assert_close
from tests.support.tiny_networks import CLASSES, tiny

RETAINED = 0.8
"""Maximum share of an error in the state that remains after one character."""
ROUNDINGS = 5 * (5 + 2 + FUNCTION) / (1 - RETAINED)
"""Roundings of a state that keeps its errors that long, and of a logit, which sums five units."""
IDS = np.random.default_rng(8).integers(0, CLASSES, 5000).astype(np.uint8)


@pytest.fixture(scope="module")
def network():
    """Return a network of one layer with large weights, in which rounding errors decay."""
    network = Network(tiny(cell="rnn", num_layers=1), CLASSES)
    draw = np.random.default_rng(1)
    for variable in network.weights:
        variable.assign(draw.normal(size=variable.shape) * 0.5)
    recurrent = network.recurrent[0].recurrent_kernel
    recurrent.assign(RETAINED * recurrent / np.linalg.norm(recurrent, 2))
    return network


def naive_losses(network, ids):
    """Return the nats of every character but the first, computed one by one with NumPy from a zero state."""
    layer = network.recurrent[0]
    kernel, recurrent, bias = layer.get_weights()
    output, output_bias = network.output_kernel.numpy(), network.output_bias.numpy()
    h, losses = np.zeros(layer.units), []
    for now, following in zip(ids[:-1], ids[1:], strict=True):
        h = np.tanh(kernel[now] + h @ recurrent + bias)
        logits = h @ output + output_bias
        losses.append(np.log(np.exp(logits).sum()) - logits[following])
    return losses


@pytest.mark.parametrize("length", [2, 129, 130, 700])
def test_short_text_is_evaluated_in_one_row_from_a_zero_state(network, length):
    text = IDS[:length]
    measured = Evaluation(network, text, first=1).losses()
    assert_close(measured, naive_losses(network, text), roundings=ROUNDINGS)


def test_long_text_is_evaluated_in_rows_counting_each_character_once(network):
    measured = Evaluation(network, IDS, first=1)
    assert measured._rows == 2  # otherwise the test would prove nothing
    assert measured.num_counted == 4999
    assert_close(measured.losses(), naive_losses(network, IDS), roundings=ROUNDINGS)


def test_characters_before_the_first_counted_one_are_context(network):
    measured = Evaluation(network, IDS[:1500], first=1000).losses()
    assert_close(measured, naive_losses(network, IDS[:1500])[999:], roundings=ROUNDINGS)


def test_uneven_rows_count_every_character(network, monkeypatch):
    monkeypatch.setattr(evaluation, "MAX_LOGITS", 3 * evaluation.WINDOW * CLASSES)
    ids = np.concatenate([IDS, IDS[:1998]])
    measured = Evaluation(network, ids, first=1)
    assert measured._rows == 2 and measured.num_counted % 2
    assert_close(measured.losses(), naive_losses(network, ids), roundings=ROUNDINGS)


def test_evaluation_uses_the_shape_of_training_batches(network, monkeypatch):
    monkeypatch.setattr(evaluation, "MIN_ROW_OF_BATCH", 300)
    measured = Evaluation(network, IDS, first=1, batch_shape=(16, 7))
    assert (measured._rows, measured._width) == (16, 7)
    assert_close(measured.losses(), naive_losses(network, IDS), roundings=ROUNDINGS)


@pytest.mark.parametrize("batch_shape", [(15, 7), (17, 7)])
def test_small_batches_and_short_texts_use_the_default_shape(network, monkeypatch, batch_shape):
    monkeypatch.setattr(evaluation, "MIN_ROW_OF_BATCH", 300)
    measured = Evaluation(network, IDS, first=1, batch_shape=batch_shape)
    assert (measured._rows, measured._width) == (2, evaluation.WINDOW)


def test_loss_is_the_mean_of_the_losses(network):
    measured = Evaluation(network, IDS[:300], first=1)
    assert measured.loss() == pytest.approx(np.mean(naive_losses(network, IDS[:300])), rel=1e-5)


def test_evaluation_uses_current_weights_and_is_deterministic(network):
    measured = Evaluation(network, IDS[:300], first=1)
    before = measured.loss()
    assert measured.loss() == before
    network.output_bias.assign_add(tf.range(CLASSES, dtype=tf.float32))
    changed = measured.loss()
    network.output_bias.assign_sub(tf.range(CLASSES, dtype=tf.float32))
    assert changed != pytest.approx(before, rel=1e-3)


def test_evaluation_has_no_dropout():
    loss, kept = (
        Evaluation(Network(tiny(cell="rnn", train_keep_prob=keep), CLASSES), IDS[:200], first=1).loss()
        for keep in (0.1, 1)
    )
    assert loss == kept
