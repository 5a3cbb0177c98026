"""Tests of the classic layers against Keras with the same weights, and of MinGRU against its formula."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from charrnn.model.network import input_projection
from charrnn.model.network.initializers import Initializers
from charrnn.model.network.recurrent_layers import GRU, LSTM, RNN, MinGRU
from tests.support.rounding import FUNCTION, assert_close

T, B, D, H = 4, 2, 3, 5
ROUNDINGS = T * (7 + H + 2 * FUNCTION)
"""In each step, sums over input and state, and two consecutive functions."""
DRAW = np.random.default_rng(11)


def drawn(*shape):
    return DRAW.normal(size=shape).astype("float32")


def with_drawn_weights(layer):
    for variable in layer.weights:
        variable.assign(drawn(*variable.shape))
    return layer


def classic(cell, inputs=D):
    return with_drawn_weights(cell(inputs, H, initializers=Initializers("keras", seed=1), name="layer"))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_lstm_matches_keras():
    ours, keras_layer = classic(LSTM), keras.layers.LSTM(H, return_sequences=True, return_state=True)
    x, h, c = drawn(T, B, D), drawn(B, H), drawn(B, H)
    keras_layer.build((B, T, D))
    keras_layer.set_weights(ours.get_weights())
    hs, (last_h, last_c) = ours(x, [h, c])
    expected, expected_h, expected_c = keras_layer(x.swapaxes(0, 1), initial_state=[h, c])
    assert_close(tf.transpose(hs, [1, 0, 2]), expected, roundings=ROUNDINGS)
    assert_close(last_h, expected_h, roundings=ROUNDINGS)
    assert_close(last_c, expected_c, roundings=ROUNDINGS)


def test_gru_matches_keras():
    ours, keras_layer = classic(GRU), keras.layers.GRU(H, return_sequences=True, return_state=True)
    x, h = drawn(T, B, D), drawn(B, H)
    keras_layer.build((B, T, D))
    kernel, recurrent, bias, recurrent_bias = ours.get_weights()
    keras_layer.set_weights([kernel, recurrent, np.stack([bias, recurrent_bias])])
    hs, (last,) = ours(x, [h])
    expected, expected_last = keras_layer(x.swapaxes(0, 1), initial_state=h)
    assert_close(tf.transpose(hs, [1, 0, 2]), expected, roundings=ROUNDINGS)
    assert_close(last, expected_last, roundings=ROUNDINGS)


def test_rnn_matches_keras():
    ours, keras_layer = classic(RNN), keras.layers.SimpleRNN(H, return_sequences=True, return_state=True)
    x, h = drawn(T, B, D), drawn(B, H)
    keras_layer.build((B, T, D))
    keras_layer.set_weights(ours.get_weights())
    hs, (last,) = ours(x, [h])
    expected, expected_last = keras_layer(x.swapaxes(0, 1), initial_state=h)
    assert_close(tf.transpose(hs, [1, 0, 2]), expected, roundings=ROUNDINGS)
    assert_close(last, expected_last, roundings=ROUNDINGS)


def mingru():
    return with_drawn_weights(MinGRU(H, 2, initializers=Initializers("keras", seed=1), name="layer"))


def test_mingru_matches_its_formula():
    ours, x, h = mingru(), drawn(T, B, H), drawn(B, H)
    kernel, bias, output_kernel = ours.get_weights()
    expected, state = [], h
    for step in x:
        z, candidate, out = np.split(step @ kernel, 3, -1)
        keep = 1 - sigmoid(z + bias)
        state = keep * state + (1 - keep) * candidate
        expected.append(state * out * sigmoid(out) @ output_kernel)
    y, (last,) = ours(x, [h])
    assert_close(y, expected, roundings=ROUNDINGS)
    assert_close(last, state, roundings=ROUNDINGS)


@pytest.mark.parametrize("cell", [LSTM, GRU, RNN])
def test_ids_are_equivalent_to_one_hot_vectors(cell):
    ours, ids = classic(cell, inputs=7), DRAW.integers(0, 7, (T, B))
    state = [drawn(B, H) for _ in range(cell.num_states)]
    by_id, _ = ours(tf.constant(ids, tf.int32), state)
    by_vector, _ = ours(np.eye(7, dtype="float32")[ids], state)
    assert_close(by_id, by_vector, roundings=ROUNDINGS)


@pytest.mark.parametrize(("steps", "table_first"), [(1, False), (40, True)])
def test_embedding_is_projected_first_when_that_is_cheaper_with_equal_results(steps, table_first):
    ids, table, kernel = DRAW.integers(0, 7, (steps, B)), tf.constant(drawn(7, 6)), tf.constant(drawn(6, 12))
    weights, rows = drawn(steps, B, 12), table.numpy()[ids]
    assert input_projection.projects_table_first(steps * B, 7, 6, 12) is table_first
    with tf.GradientTape() as tape:
        tape.watch([table, kernel])
        products = input_projection.project(
            input_projection.Embedded(tf.constant(ids, tf.int32), table), kernel, "float32"
        )
        total = tf.reduce_sum(products * weights)
    assert_close(products, rows @ kernel.numpy(), roundings=2 * 6)
    to_table, to_kernel = tape.gradient(total, [table, kernel])
    expected = np.zeros((7, 6), "float32")
    np.add.at(expected, ids, weights @ kernel.numpy().T)
    assert_close(to_table, expected, roundings=2 * (12 + steps * B))
    assert_close(to_kernel, np.einsum("tbd,tbc->dc", rows, weights), roundings=2 * (7 + steps * B))


def test_large_embedding_is_never_projected_first():
    assert input_projection.projects_table_first(10**6, input_projection.ONE_HOT_LIMIT, 2048, 8192)
    assert not input_projection.projects_table_first(10**6, input_projection.ONE_HOT_LIMIT + 1, 2048, 8192)


@pytest.mark.parametrize("limit", [0, 1024], ids=["gathered", "multiplied"])
def test_gather_and_one_hot_lookups_are_equivalent(limit, monkeypatch):
    monkeypatch.setattr(input_projection, "ONE_HOT_LIMIT", limit)
    table, ids, weights = tf.constant(drawn(7, D)), tf.constant([[3, 0], [6, 3], [1, 3]]), drawn(3, 2, D)
    with tf.GradientTape() as tape:
        tape.watch(table)
        rows = input_projection.lookup(table, ids, "float32")
        total = tf.reduce_sum(rows * weights)
    assert_close(rows, table.numpy()[ids.numpy()], roundings=7)
    expected = np.zeros((7, D), "float32")
    np.add.at(expected, ids.numpy(), weights)
    assert_close(tf.convert_to_tensor(tape.gradient(total, table)), expected, roundings=ids.shape.num_elements())
