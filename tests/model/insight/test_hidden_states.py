"""Test reading hidden states and holding units, for each cell, against the network itself."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.core.insight.stopped import InsightStopped
from charrnn.model.insight.hidden_states import WINDOW, Hold, read, unit_layout
from charrnn.model.network.network import Network
from tests.support.rounding import FUNCTION, assert_close
from tests.support.tiny_networks import CLASSES, tiny

CELLS = ["lstm", "gru", "rnn", "mingru"]
STRETCHES, WARM_UP, LENGTH = 3, 11, 2 * WINDOW - 5
ROWS = np.random.default_rng(2).integers(0, CLASSES, (STRETCHES, WARM_UP + LENGTH + 1)).astype(np.int32)
ROUNDINGS = 2 * 20 * (CLASSES + 2 * 5 + FUNCTION)


def random_network(cell, embedding=False):
    """Return a network of two layers of 5 units whose weights are large enough for differences to show."""
    network = Network(tiny(cell=cell, use_embedding=embedding), CLASSES)
    random = np.random.default_rng(6)
    for variable in network.trainable_variables:
        variable.assign(random.normal(0, 0.7, variable.shape))
    return network


def state_after(network, ids):
    """Return the units after reading ids `(B, T)` in one window, `(U, B)`."""
    _, state = network(tf.constant(ids))
    skipped = network.convolution.num_states if network.convolution is not None else 0
    return np.concatenate([tensor.numpy().T for tensor in state[skipped:]])


@pytest.mark.parametrize("embedding", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_states_are_those_of_the_network_after_each_character(cell, embedding):
    network = random_network(cell, embedding)
    states, _ = read(network, ROWS, warm_up=WARM_UP)
    by_stretch = states.reshape(len(unit_layout(network)), STRETCHES, LENGTH)
    for position in (0, 1, WINDOW - WARM_UP - 1, WINDOW - WARM_UP, LENGTH - 1):
        expected = state_after(network, ROWS[:, : WARM_UP + position + 1])
        assert_close(by_stretch[:, :, position], expected, roundings=ROUNDINGS)


@pytest.mark.parametrize("cell", CELLS)
def test_nats_are_the_losses_of_the_network(cell):
    network = random_network(cell)
    _, nats = read(network, ROWS, warm_up=WARM_UP, with_states=False)
    losses, _ = network.losses(tf.constant(ROWS), network.zero_state(STRETCHES), "float32")
    assert_close(nats, losses.numpy().T[:, WARM_UP:], roundings=ROUNDINGS)


def without_outputs_of(network, cell, layer, unit):
    """Set all weights by which a unit affects anything to 0."""
    own, others = network.recurrent[layer], network.recurrent[layer + 1 :]
    matrices = [own.output_kernel] if cell == "mingru" else [own.recurrent_kernel]
    if cell != "mingru":
        matrices.append(others[0].kernel if others else network.output_kernel)
    for matrix in matrices:
        values = matrix.numpy()
        values[unit] = 0
        matrix.assign(values)


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("cell", CELLS)
def test_a_unit_held_at_zero_is_one_without_outgoing_weights(cell, layer):
    network = random_network(cell)
    layout = unit_layout(network)
    held_unit = layer * layout.per_layer + 3
    hold = Hold(np.full(STRETCHES, held_unit, np.int32), np.zeros(STRETCHES, np.float32))
    free = read(network, ROWS, warm_up=WARM_UP)[1]
    held = read(network, ROWS, warm_up=WARM_UP, hold=hold)[1]
    assert np.abs(held - free).max() > 0.01
    without_outputs_of(network, cell, layer, 3)
    assert_close(held, read(network, ROWS, warm_up=WARM_UP)[1], roundings=ROUNDINGS)


def test_a_cell_state_held_at_a_value_is_one_whose_gates_always_write_it():
    network = random_network("lstm")
    layout = unit_layout(network)
    held_unit, value = layout.per_layer + 5 + 2, 0.4  # layer 2, cell state of unit 3
    hold = Hold(np.full(STRETCHES, held_unit, np.int32), np.full(STRETCHES, value, np.float32))
    held_states, held = read(network, ROWS, warm_up=WARM_UP, hold=hold)
    np.testing.assert_array_equal(held_states[held_unit], np.float32(value))
    layer = network.recurrent[1]
    kernel, recurrent, bias = (weight.numpy() for weight in (layer.kernel, layer.recurrent_kernel, layer.bias))
    for gate, constant in enumerate((50, -50, np.arctanh(value))):  # input, forget, candidate
        kernel[:, 5 * gate + 2] = recurrent[:, 5 * gate + 2] = 0
        bias[5 * gate + 2] = constant
    for weight, values in ((layer.kernel, kernel), (layer.recurrent_kernel, recurrent), (layer.bias, bias)):
        weight.assign(values)
    assert_close(held, read(network, ROWS, warm_up=WARM_UP)[1], roundings=ROUNDINGS)


@pytest.mark.parametrize("cell", CELLS)
def test_stretches_hold_different_units(cell):
    network = random_network(cell)
    free, _ = read(network, ROWS, warm_up=WARM_UP)
    hold = Hold(np.array([-1, 1, 4], np.int32), np.array([0.9, 0.25, -0.5], np.float32))
    held, _ = read(network, ROWS, warm_up=WARM_UP, hold=hold)
    free, held = (states.reshape(-1, STRETCHES, LENGTH) for states in (free, held))
    np.testing.assert_allclose(held[:, 0], free[:, 0], atol=1e-6)
    assert (held[1, 1] == 0.25).all()
    assert (held[4, 2] == -0.5).all()
    assert not (held[1, 2] == 0.25).any()


def test_reading_reports_progress_and_can_be_stopped():
    network = random_network("rnn")
    fractions: list[float] = []
    read(network, ROWS, warm_up=WARM_UP, progress=fractions.append)
    assert fractions[-1] == 1
    assert fractions == sorted(fractions)
    with pytest.raises(InsightStopped):
        read(network, ROWS, warm_up=WARM_UP, should_stop=lambda: True)
