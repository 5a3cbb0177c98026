"""Tests of cost estimates against manual counts; tests/model/network/test_network.py compares them to real networks."""

import pytest

from charrnn.core.network_cost import input_projection_cost, muon_flops, num_parameters, step_cost, training_bytes
from charrnn.core.options import checked, preset

H, L, V, E = 5, 2, 7, 3


def options(**changes):
    small = {"lstm_size": H, "num_layers": L, "embedding_size": E, "num_seqs": 2, "num_steps": 11}
    return checked("training", small | changes)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("rnn", (V * H + H * H + H) + (H * H + H * H + H) + (H * V + V)),
        ("gru", 3 * (V * H + H * H + 2 * H) + 3 * (H * H + H * H + 2 * H) + (H * V + V)),
        ("lstm", 4 * (V * H + H * H + H) + 4 * (H * H + H * H + H) + (H * V + V)),
        ("mingru", V * H + 6 * H + 2 * (H * 3 * H + H + H * H) + (H * V + V)),
    ],
)
def test_num_parameters_of_one_hot_networks(cell, expected):
    assert num_parameters(options(cell=cell), V) == expected


def test_embedding_adds_a_table_and_changes_the_first_layer():
    one_hot, embedded = (num_parameters(options(use_embedding=use), V) for use in (False, True))
    assert embedded - one_hot == V * E - 4 * H * (V - E)


def test_mingru_needs_a_projection_when_embedding_and_layers_differ_in_size():
    same, other = (num_parameters(options(cell="mingru", use_embedding=True, embedding_size=e), V) for e in (H, E))
    assert other - same == V * (E - H) + E * H


def test_embedding_size_is_ignored_without_an_embedding():
    assert num_parameters(options(embedding_size=3), V) == num_parameters(options(embedding_size=400), V)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "mingru"])
@pytest.mark.parametrize("name", ["lstm_size", "num_layers"])
def test_larger_networks_cost_more(cell, name):
    small, large = (options(cell=cell, **{name: size}) for size in (3, 6))
    assert num_parameters(small, V) < num_parameters(large, V)
    assert training_bytes(small, V) < training_bytes(large, V)
    assert step_cost(small, V).batched_flops < step_cost(large, V).batched_flops
    assert step_cost(small, V).memory_accesses < step_cost(large, V).memory_accesses


def test_memory_grows_with_the_batch_but_parameters_do_not():
    small, large = options(), options(num_seqs=20)
    assert training_bytes(small, V) < training_bytes(large, V)
    assert num_parameters(small, V) == num_parameters(large, V)


def test_memory_includes_weights_gradients_and_two_moments():
    assert training_bytes(preset("karpathy"), 66) > 16 * num_parameters(preset("karpathy"), 66)


def test_step_takes_six_operations_per_parameter_and_character():
    cost = step_cost(options(), V)
    assert cost.batched_flops + cost.sequential_flops == 6 * 2 * 11 * num_parameters(options(), V)


def test_two_thirds_of_the_recurrent_products_are_sequential():
    assert step_cost(options(), V).sequential_flops == 4 * (2 * 11) * L * 4 * H * H


def test_mingru_has_no_sequential_products():
    cost = step_cost(options(cell="mingru"), V)
    assert cost.sequential_flops == 0 and cost.loop_iterations == 2 * L * 11


def test_small_embedding_is_multiplied_with_the_input_matrix_once_per_step():
    characters, size = 2 * 11, 50
    combined, separate = input_projection_cost(characters, V, size, 4 * H)
    assert combined == 3 * V * size * 4 * H + 2 * characters * V * 4 * H < separate
    embedded = options(use_embedding=True, embedding_size=size)
    all_large = 6 * characters * (num_parameters(embedded, V) - L * 4 * H * H) + 2 * characters * L * 4 * H * H
    assert step_cost(embedded, V).batched_flops == all_large - 2 * (separate - combined)


@pytest.mark.parametrize(
    ("cell", "embeds", "shapes"),
    [
        ("rnn", False, [(H, H)] * 3),
        ("lstm", False, [(H, 4 * H)] * 3),
        ("gru", True, [(H, 3 * H)] * 3 + [(E, 3 * H)]),
        ("mingru", True, [(H, 3 * H), (H, H)] * 2),
    ],
)
def test_muon_flops_count_every_hidden_matrix(cell, embeds, shapes):
    with_muon = options(cell=cell, use_embedding=embeds, optimizer="muon")
    operations = 3 * sum(2 * m * m * n + 2 * m * m * m + 2 * m * m * n for m, n in shapes)
    assert muon_flops(with_muon) == operations
    with_adamw = with_muon | {"optimizer": "adamw"}
    assert step_cost(with_muon, V).batched_flops - step_cost(with_adamw, V).batched_flops == operations
