"""What a network costs, counted by hand for tiny sizes; tests/model/network/test_network.py counts built ones."""

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
def test_weights_of_one_hot_networks(cell, expected):
    assert num_parameters(options(cell=cell), V) == expected


def test_an_embedding_is_a_table_and_narrows_or_widens_the_first_layer():
    one_hot, embedded = (num_parameters(options(use_embedding=use), V) for use in (False, True))
    assert embedded - one_hot == V * E - 4 * H * (V - E)


def test_the_fast_cell_needs_an_entry_where_the_embedding_has_another_size():
    same, other = (num_parameters(options(cell="mingru", use_embedding=True, embedding_size=e), V) for e in (H, E))
    assert other - same == V * (E - H) + E * H


def test_the_size_of_an_embedding_that_is_not_used_counts_nothing():
    assert num_parameters(options(embedding_size=3), V) == num_parameters(options(embedding_size=400), V)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "mingru"])
@pytest.mark.parametrize("name", ["lstm_size", "num_layers"])
def test_larger_networks_cost_more_of_everything(cell, name):
    small, large = (options(cell=cell, **{name: size}) for size in (3, 6))
    assert num_parameters(small, V) < num_parameters(large, V)
    assert training_bytes(small, V) < training_bytes(large, V)
    assert step_cost(small, V).large < step_cost(large, V).large
    assert step_cost(small, V).numbers < step_cost(large, V).numbers


def test_memory_grows_with_the_batch_and_its_weights_do_not():
    small, large = options(), options(num_seqs=20)
    assert training_bytes(small, V) < training_bytes(large, V)
    assert num_parameters(small, V) == num_parameters(large, V)


def test_memory_counts_weights_gradients_and_two_moments_at_least():
    assert training_bytes(preset("quick"), 66) > 16 * num_parameters(preset("quick"), 66)


def test_the_work_of_a_step_is_six_operations_for_each_weight_and_character():
    work = step_cost(options(), V)
    assert work.batched_flops + work.sequential_flops == 6 * 2 * 11 * num_parameters(options(), V)


def test_products_of_single_time_steps_are_two_thirds_of_the_recurrent_ones():
    assert step_cost(options(), V).small == 4 * (2 * 11) * L * 4 * H * H


def test_the_fast_cell_has_no_products_inside_its_loops():
    work = step_cost(options(cell="mingru"), V)
    assert work.sequential_flops == 0 and work.loop_iterations == 2 * L * 11


def test_a_small_table_is_multiplied_once_a_step_instead_of_once_a_character():
    characters, size = 2 * 11, 50
    at_once, one_by_one = input_projection_cost(characters, V, size, 4 * H)
    assert at_once == 3 * V * size * 4 * H + 2 * characters * V * 4 * H < one_by_one
    embedded = options(use_embedding=True, embedding_size=size)
    all_large = 6 * characters * (num_parameters(embedded, V) - L * 4 * H * H) + 2 * characters * L * 4 * H * H
    assert step_cost(embedded, V).large == all_large - 2 * (one_by_one - at_once)


@pytest.mark.parametrize(
    ("cell", "embeds", "shapes"),
    [
        ("rnn", False, [(H, H)] * 3),
        ("lstm", False, [(H, 4 * H)] * 3),
        ("gru", True, [(H, 3 * H)] * 3 + [(E, 3 * H)]),
        ("mingru", True, [(H, 3 * H), (H, H)] * 2),
    ],
)
def test_muon_multiplies_each_matrix_between_units_with_itself(cell, embeds, shapes):
    used = options(cell=cell, use_embedding=embeds, optimizer="muon")
    operations = 3 * sum(2 * m * m * n + 2 * m * m * m + 2 * m * m * n for m, n in shapes)
    assert muon_flops(used) == operations
    more = step_cost(used, V).large - step_cost(used | {"optimizer": "adamw"}, V).large
    assert more == operations
