"""The loss of a text, against a loop that reads it character by character."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.model.network.network import Network
from charrnn.model.training import evaluation
from charrnn.model.training.evaluation import Evaluation
from tests.support.rounding import FUNCTION, assert_close
from tests.support.tiny_networks import CLASSES, tiny

KEPT = 0.8
"""Largest share of an error in the memory that is still there a character later."""
ROUNDINGS = 5 * (5 + 2 + FUNCTION) / (1 - KEPT)
"""Of a memory that keeps its errors that long, and of a score, which adds up five units."""
IDS = np.random.default_rng(8).integers(0, CLASSES, 5000).astype(np.uint8)


@pytest.fixture(scope="module")
def network():
    """One layer with weights large enough to tell characters apart, which forgets what rounding did."""
    network = Network(tiny(cell="rnn", num_layers=1), CLASSES)
    draw = np.random.default_rng(1)
    for variable in network.weights:
        variable.assign(draw.normal(size=variable.shape) * 0.5)
    recurrent = network.recurrent[0].recurrent_kernel
    recurrent.assign(KEPT * recurrent / np.linalg.norm(recurrent, 2))
    return network


def naive_losses(network, ids):
    """Nats of every character but the first, one by one with NumPy, nothing read before."""
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
def test_a_short_text_is_read_in_one_row_from_an_empty_memory(network, length):
    text = IDS[:length]
    measured = Evaluation(network, text, first=1).losses()
    assert_close(measured, naive_losses(network, text), roundings=ROUNDINGS)


def test_a_long_text_is_read_in_rows_and_each_character_counts_once(network):
    measured = Evaluation(network, IDS, first=1)
    assert measured._rows == 2  # else this proves nothing
    assert measured.num_counted == 4999
    assert_close(measured.losses(), naive_losses(network, IDS), roundings=ROUNDINGS)


def test_what_stands_before_the_first_counted_character_is_context(network):
    measured = Evaluation(network, IDS[:1500], first=1000).losses()
    assert_close(measured, naive_losses(network, IDS[:1500])[999:], roundings=ROUNDINGS)


def test_rows_that_do_not_come_out_even_leave_no_character_out(network, monkeypatch):
    monkeypatch.setattr(evaluation, "LARGEST_LOGITS", 3 * evaluation.WINDOW * CLASSES)
    ids = np.concatenate([IDS, IDS[:1998]])
    measured = Evaluation(network, ids, first=1)
    assert measured._rows == 2 and measured.num_counted % 2
    assert_close(measured.losses(), naive_losses(network, ids), roundings=ROUNDINGS)


def test_where_training_has_compiled_its_batches_the_text_is_read_in_their_shape(network, monkeypatch):
    monkeypatch.setattr(evaluation, "SHORTEST_ROW_OF_A_BATCH", 300)
    measured = Evaluation(network, IDS, first=1, like=(16, 7))
    assert (measured._rows, measured._width) == (16, 7)
    assert_close(measured.losses(), naive_losses(network, IDS), roundings=ROUNDINGS)


@pytest.mark.parametrize("like", [(15, 7), (17, 7)])
def test_small_batches_and_short_texts_are_read_in_a_shape_that_suits_them(network, monkeypatch, like):
    monkeypatch.setattr(evaluation, "SHORTEST_ROW_OF_A_BATCH", 300)
    measured = Evaluation(network, IDS, first=1, like=like)
    assert (measured._rows, measured._width) == (2, evaluation.WINDOW)


def test_the_loss_is_the_mean_of_the_losses(network):
    measured = Evaluation(network, IDS[:300], first=1)
    assert measured.loss() == pytest.approx(np.mean(naive_losses(network, IDS[:300])), rel=1e-5)


def test_it_follows_the_network_as_it_learns_and_gives_the_same_twice(network):
    measured = Evaluation(network, IDS[:300], first=1)
    before = measured.loss()
    assert measured.loss() == before
    network.output_bias.assign_add(tf.range(CLASSES, dtype=tf.float32))
    changed = measured.loss()
    network.output_bias.assign_sub(tf.range(CLASSES, dtype=tf.float32))
    assert changed != pytest.approx(before, rel=1e-3)


def test_nothing_drops_while_it_measures():
    loss, kept = (
        Evaluation(Network(tiny(cell="rnn", train_keep_prob=keep), CLASSES), IDS[:200], first=1).loss()
        for keep in (0.1, 1)
    )
    assert loss == kept
