"""The network as a whole: sizes, scores, memory, dropout."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.core.network_cost import num_parameters
from charrnn.core.options import defaults, preset
from charrnn.model.network.network import ARCHITECTURE, Network
from tests.support.rounding import FUNCTION, assert_close
from tests.support.tiny_networks import CLASSES, tiny

CELLS = ["lstm", "gru", "rnn", "mingru"]
SHAKESPEARE = 65 + 1
ROUNDINGS = 2 * 12 * (CLASSES + 2 * 5 + FUNCTION)
"""Through two layers and twelve characters, in each the sums over input and memory, and a gate."""
READ = np.random.default_rng(2).integers(0, CLASSES, (3, 12)).astype(np.int32)


def scores(network, ids, state=None, **arguments):
    """Scores as `(B, T, V)`, and the memory after them."""
    logits, state = network(tf.constant(ids), state=state, **arguments)
    return tf.transpose(logits, [1, 0, 2]).numpy(), state


@pytest.mark.parametrize(("embedding", "expected"), [(False, 239_938), (True, 280_130)])
def test_the_articles_network_has_as_many_weights_on_tinyshakespeare_as_it_had_there(embedding, expected):
    network = Network(preset("article") | {"use_embedding": embedding}, SHAKESPEARE)
    assert network.count_params() == expected


def test_char_rnns_network_has_its_number_of_weights_but_for_the_second_biases():
    # 240,321 there: two biases of 4 × 128 for each of 2 layers, and no class for unknown characters
    assert Network(preset("karpathy"), 65).count_params() == 240_321 - 2 * 4 * 128


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("embedding", [{}, {"use_embedding": True}, {"use_embedding": True, "embedding_size": 5}])
@pytest.mark.parametrize("cell", CELLS)
def test_the_number_of_weights_is_known_before_the_network_is_built(cell, embedding, layers):
    options = tiny(cell=cell, num_layers=layers, **embedding)
    assert num_parameters(options, CLASSES) == Network(options, CLASSES).count_params()


def test_the_options_that_decide_shapes_are_named():
    shapes = [w.shape for w in Network(tiny(), CLASSES).weights]
    changes = {"cell": "gru", "lstm_size": 7, "num_layers": 1, "use_embedding": True}
    assert set(changes) < set(ARCHITECTURE) <= set(defaults("training"))
    for name, value in changes.items():
        assert [w.shape for w in Network(tiny(**{name: value}), CLASSES).weights] != shapes, name


@pytest.mark.parametrize("embedding", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_memory_carried_from_window_to_window_equals_one_long_window(cell, embedding):
    network = Network(tiny(cell=cell, use_embedding=embedding), CLASSES)
    whole, end = scores(network, READ)
    first, between = scores(network, READ[:, :5])
    second, end_of_second = scores(network, READ[:, 5:], between)
    assert_close(np.concatenate([first, second], 1), whole, roundings=ROUNDINGS)
    for one, two in zip(end, end_of_second, strict=True):
        assert_close(one, two, roundings=ROUNDINGS)


@pytest.mark.parametrize("cell", CELLS)
def test_a_score_depends_on_what_was_read_and_on_nothing_later(cell):
    network = Network(tiny(cell=cell), CLASSES)
    changed = READ.copy()
    changed[:, 7] = (changed[:, 7] + 1) % CLASSES
    one, two = scores(network, READ)[0], scores(network, changed)[0]
    np.testing.assert_array_equal(one[:, :7], two[:, :7])
    for place in range(7, 12):
        assert not np.allclose(one[:, place], two[:, place], rtol=0, atol=1e-9)


def test_rows_of_a_batch_know_nothing_of_each_other():
    network = Network(tiny(), CLASSES)
    alone = scores(network, READ[1:2])[0]
    assert_close(scores(network, READ)[0][1:2], alone, roundings=ROUNDINGS)


def test_one_hot_input_equals_an_embedding_whose_table_is_the_identity():
    one_hot = Network(tiny(), CLASSES)
    table = Network(tiny(use_embedding=True, embedding_size=CLASSES), CLASSES)
    table.table.assign(np.eye(CLASSES))
    for own, other in zip(table.weights[1:], one_hot.weights, strict=True):
        own.assign(other)
    assert_close(scores(table, READ)[0], scores(one_hot, READ)[0], roundings=ROUNDINGS)


@pytest.mark.parametrize("cell", CELLS)
def test_nothing_is_dropped_when_reading(cell):
    dropping, keeping = (Network(tiny(cell=cell, train_keep_prob=keep), CLASSES) for keep in (0.3, 1))
    np.testing.assert_array_equal(scores(dropping, READ)[0], scores(keeping, READ)[0])


@pytest.mark.parametrize("cell", CELLS)
def test_the_seed_decides_which_units_drop_in_training(cell):
    network = Network(tiny(cell=cell, train_keep_prob=0.5), CLASSES)
    one, two, other = (scores(network, READ, training=True, seed=tf.constant(seed))[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.allclose(one, other)


@pytest.mark.parametrize("cell", CELLS)
def test_everything_is_kept_at_keep_probability_1(cell):
    network = Network(tiny(cell=cell, train_keep_prob=1), CLASSES)
    np.testing.assert_array_equal(scores(network, READ, training=True)[0], scores(network, READ)[0])


@pytest.mark.parametrize("keep", [0.9, 0.25])
def test_the_keep_probability_is_the_share_of_each_layers_output_that_stays(keep):
    """The article's form called it a dropout rate, which is the opposite (section 1.3 of its inventory)."""
    network = Network(tiny(lstm_size=7, num_layers=1, train_keep_prob=keep), 7)
    network.output_kernel.assign(np.eye(7))
    ids = np.random.default_rng(4).integers(0, 7, (30, 40)).astype(np.int32)
    outputs, dropped = scores(network, ids)[0], scores(network, ids, training=True, seed=tf.constant(5))[0]
    stays = dropped != 0
    assert stays.mean() == pytest.approx(keep, abs=0.02)
    assert_close(dropped[stays], outputs[stays] / keep, roundings=ROUNDINGS)


def test_dropout_is_between_the_layers_too_and_never_on_input_or_memory():
    network = Network(tiny(train_keep_prob=0.5), CLASSES)
    (_, kept), (_, dropped) = scores(network, READ), scores(network, READ, training=True, seed=tf.constant(5))
    np.testing.assert_array_equal(kept[0], dropped[0])  # the first layer's h and c
    np.testing.assert_array_equal(kept[1], dropped[1])
    assert not np.allclose(kept[2], dropped[2])  # the second layer read what the first one's mask left


@pytest.mark.parametrize("cell", CELLS)
def test_half_precision_in_training_is_close_to_full_precision(cell):
    options = {"cell": cell, "train_keep_prob": 1, "use_embedding": True}
    full, half = (Network(tiny(precision=p, **options), CLASSES) for p in ("float32", "mixed_bfloat16"))
    a, b = (scores(network, READ, training=True)[0] for network in (full, half))
    assert b.dtype == np.float32 and not np.array_equal(a, b)
    assert_close(b, a, roundings=ROUNDINGS, dtype="bfloat16")


def test_reading_and_writing_are_in_full_precision_whatever_a_training_was_in():
    full, half = (Network(tiny(precision=p), CLASSES) for p in ("float32", "mixed_bfloat16"))
    np.testing.assert_array_equal(scores(full, READ)[0], scores(half, READ)[0])
