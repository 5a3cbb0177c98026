"""Tests of the network: sizes, logits, state and dropout."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.core.network_cost import num_parameters
from charrnn.core.options import ARCHITECTURE, defaults, preset
from charrnn.model.network.network import Network
from tests.support.rounding import FUNCTION, assert_close
from tests.support.tiny_networks import CLASSES, tiny

CELLS = ["lstm", "gru", "rnn", "mingru"]
SHAKESPEARE = 65 + 1
ROUNDINGS = 2 * 12 * (CLASSES + 2 * 5 + FUNCTION)
"""Through two layers and twelve characters, each with sums over input and state, and a gate."""
BATCH = np.random.default_rng(2).integers(0, CLASSES, (3, 12)).astype(np.int32)


def logits_of(network, ids, state=None, **arguments):
    """Return logits as `(B, T, V)`, and the state after them."""
    logits, state = network(tf.constant(ids), state=state, **arguments)
    return tf.transpose(logits, [1, 0, 2]).numpy(), state


@pytest.mark.parametrize(("embedding", "expected"), [(False, 239_938), (True, 280_130)])
def test_article_network_has_the_articles_parameter_count(embedding, expected):
    network = Network(preset("article") | {"use_embedding": embedding}, SHAKESPEARE)
    assert network.count_params() == expected


def test_karpathy_network_has_the_parameter_count_of_char_rnn():
    # 240,321 in char-rnn, which has a second bias of 4 × 128 in each of 2 layers, and no class for unknown characters
    assert Network(preset("karpathy"), 65).count_params() == 240_321 - 2 * 4 * 128


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("embedding", [{}, {"use_embedding": True}, {"use_embedding": True, "embedding_size": 5}])
@pytest.mark.parametrize("cell", CELLS)
def test_num_parameters_matches_the_built_network(cell, embedding, layers):
    options = tiny(cell=cell, num_layers=layers, **embedding)
    assert num_parameters(options, CLASSES) == Network(options, CLASSES).count_params()


def test_architecture_lists_the_options_that_determine_shapes():
    shapes = [w.shape for w in Network(tiny(), CLASSES).weights]
    changes = {"cell": "gru", "lstm_size": 7, "num_layers": 1, "use_embedding": True}
    assert set(changes) < set(ARCHITECTURE) <= set(defaults("training"))
    for name, value in changes.items():
        assert [w.shape for w in Network(tiny(**{name: value}), CLASSES).weights] != shapes, name


@pytest.mark.parametrize("embedding", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_state_carries_across_windows(cell, embedding):
    network = Network(tiny(cell=cell, use_embedding=embedding), CLASSES)
    whole, end = logits_of(network, BATCH)
    first, between = logits_of(network, BATCH[:, :5])
    second, end_of_second = logits_of(network, BATCH[:, 5:], between)
    assert_close(np.concatenate([first, second], 1), whole, roundings=ROUNDINGS)
    for one, two in zip(end, end_of_second, strict=True):
        assert_close(one, two, roundings=ROUNDINGS)


@pytest.mark.parametrize("cell", CELLS)
def test_logits_are_causal(cell):
    network = Network(tiny(cell=cell), CLASSES)
    changed = BATCH.copy()
    changed[:, 7] = (changed[:, 7] + 1) % CLASSES
    one, two = logits_of(network, BATCH)[0], logits_of(network, changed)[0]
    np.testing.assert_array_equal(one[:, :7], two[:, :7])
    for place in range(7, 12):
        assert not np.allclose(one[:, place], two[:, place], rtol=0, atol=1e-9)


def test_sequences_of_a_batch_are_independent():
    network = Network(tiny(), CLASSES)
    alone = logits_of(network, BATCH[1:2])[0]
    assert_close(logits_of(network, BATCH)[0][1:2], alone, roundings=ROUNDINGS)


def test_one_hot_input_equals_an_identity_embedding():
    one_hot = Network(tiny(), CLASSES)
    table = Network(tiny(use_embedding=True, embedding_size=CLASSES), CLASSES)
    table.table.assign(np.eye(CLASSES))
    for own, other in zip(table.weights[1:], one_hot.weights, strict=True):
        own.assign(other)
    assert_close(logits_of(table, BATCH)[0], logits_of(one_hot, BATCH)[0], roundings=ROUNDINGS)


@pytest.mark.parametrize("cell", CELLS)
def test_no_dropout_outside_training(cell):
    dropping, keeping = (Network(tiny(cell=cell, train_keep_prob=keep), CLASSES) for keep in (0.3, 1))
    np.testing.assert_array_equal(logits_of(dropping, BATCH)[0], logits_of(keeping, BATCH)[0])


@pytest.mark.parametrize("cell", CELLS)
def test_seed_determines_the_dropout_mask(cell):
    network = Network(tiny(cell=cell, train_keep_prob=0.5), CLASSES)
    one, two, other = (logits_of(network, BATCH, training=True, seed=tf.constant(seed))[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.allclose(one, other)


@pytest.mark.parametrize("cell", CELLS)
def test_no_dropout_at_keep_probability_1(cell):
    network = Network(tiny(cell=cell, train_keep_prob=1), CLASSES)
    np.testing.assert_array_equal(logits_of(network, BATCH, training=True)[0], logits_of(network, BATCH)[0])


@pytest.mark.parametrize("keep", [0.9, 0.25])
def test_keep_probability_is_the_share_of_kept_outputs(keep):
    """The article's form called it a dropout rate, which is the opposite."""
    network = Network(tiny(lstm_size=7, num_layers=1, train_keep_prob=keep), 7)
    network.output_kernel.assign(np.eye(7))
    ids = np.random.default_rng(4).integers(0, 7, (30, 40)).astype(np.int32)
    outputs, dropped = logits_of(network, ids)[0], logits_of(network, ids, training=True, seed=tf.constant(5))[0]
    stays = dropped != 0
    assert stays.mean() == pytest.approx(keep, abs=0.02)
    assert_close(dropped[stays], outputs[stays] / keep, roundings=ROUNDINGS)


def test_dropout_applies_to_layer_outputs_but_not_to_inputs_or_states():
    network = Network(tiny(train_keep_prob=0.5), CLASSES)
    (_, kept), (_, dropped) = logits_of(network, BATCH), logits_of(network, BATCH, training=True, seed=tf.constant(5))
    np.testing.assert_array_equal(kept[0], dropped[0])  # the first layer's h and c
    np.testing.assert_array_equal(kept[1], dropped[1])
    assert not np.allclose(kept[2], dropped[2])  # the second layer's input was masked


@pytest.mark.parametrize("cell", CELLS)
def test_bfloat16_training_is_close_to_float32(cell):
    options = {"cell": cell, "train_keep_prob": 1, "use_embedding": True}
    full, half = (Network(tiny(precision=p, **options), CLASSES) for p in ("float32", "mixed_bfloat16"))
    a, b = (logits_of(network, BATCH, training=True)[0] for network in (full, half))
    assert b.dtype == np.float32 and not np.array_equal(a, b)
    assert_close(b, a, roundings=ROUNDINGS, dtype="bfloat16")


def test_inference_is_always_in_float32():
    full, half = (Network(tiny(precision=p), CLASSES) for p in ("float32", "mixed_bfloat16"))
    np.testing.assert_array_equal(logits_of(full, BATCH)[0], logits_of(half, BATCH)[0])
