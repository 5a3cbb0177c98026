"""Training steps: the loss against NumPy, many steps against a reference in float64, and what is stored."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.core.errors import CheckpointError
from charrnn.model.compute.sharding import num_shards
from charrnn.model.training.train_step import Engine
from tests.support.reference_network import Reference
from tests.support.rounding import EPSILON, FUNCTION, assert_close
from tests.support.tiny_networks import CLASSES, tiny

DRAW = np.random.default_rng(6)
BATCHES = [DRAW.integers(0, CLASSES, (3, 5)).astype(np.int32) for _ in range(200)]
RESTARTS = 0, 15
RATE = 0.01
ROUNDINGS = 2 * 2 * 4 * (CLASSES + 2 * 5 + FUNCTION)
"""Forward and backward, through two layers, four characters, and in each the sums over input and memory and a gate."""
PLAIN = tiny(train_keep_prob=1, learning_rate=RATE, grad_clip=0.2)


def cross_entropy(logits, targets):
    """Mean nats, from scores `(B, T, V)` and ids `(B, T)`."""
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    probabilities = exponentials / exponentials.sum(-1, keepdims=True)
    return -np.log(np.take_along_axis(probabilities, targets[..., None], -1)).mean()


def drawn_engine(cell="lstm"):
    """One with weights so large that what it remembers matters."""
    engine, draw = Engine(PLAIN | {"cell": cell}, CLASSES), np.random.default_rng(1)
    for variable in engine.network.weights:
        variable.assign(draw.normal(size=variable.shape))
    return engine


@pytest.fixture(scope="module")
def trained():
    """An engine after two hundred steps, the sixteenth of which restarts, and what each of them returned."""
    engine = drawn_engine()
    return engine, [engine.step(b, n, RATE, restart=n in RESTARTS) for n, b in enumerate(BATCHES)]


def memory_of(engine):
    state = engine.training_state()
    return [state[name] for name in sorted(name for name in state if name.startswith("memory/"))]


@pytest.mark.parametrize("cell", ["lstm", "gru", "mingru"])
def test_each_of_two_hundred_steps_is_that_of_layers_and_formulas_in_float64_that_know_nothing_of_ours(cell):
    """Each step of the reference begins with the weights and the memory that the engine has: left to itself, a network
    in training amplifies the last bit until two CPUs disagree in the third digit."""
    engine = drawn_engine(cell)
    reference = Reference(engine.network, RATE, PLAIN["grad_clip"])
    told, expected = [], []
    for number, batch in enumerate(BATCHES):
        restart = number in RESTARTS
        *values, weights, memory = reference.step(engine.network, None if restart else memory_of(engine), batch)
        expected.append(values)
        told.append(engine.step(batch, number, RATE, restart=restart))
        for found, array in zip(memory_of(engine), memory, strict=True):
            assert_close(found, array, roundings=ROUNDINGS, name=f"memory after step {number}")
        for found, array in zip(reference.arranged(engine.network), weights, strict=True):
            # Adam divides a gradient by its own size: one that nearly vanishes keeps none of its digits.
            np.testing.assert_allclose(found, array, rtol=0, atol=RATE / 20, err_msg=f"weights after step {number}")
    np.testing.assert_allclose(told, expected, rtol=ROUNDINGS * EPSILON["float32"])


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "mingru"])
def test_a_batch_learned_in_parts_is_learned_as_a_whole(cell):
    whole, parts = (Engine(PLAIN | {"cell": cell}, CLASSES, parts=parts) for parts in (1, 3))
    for number, batch in enumerate(BATCHES[:8]):
        arguments = batch, number, 0.05
        restart = number in (0, 5)
        parts.load(whole.weights(), whole.training_state())  # what rounding did to one step is no matter of the next
        one, other = whole.step(*arguments, restart=restart), parts.step(*arguments, restart=restart)
        np.testing.assert_allclose(one, other, rtol=ROUNDINGS * EPSILON["float32"])
        for name, array in whole.training_state().items():
            assert_close(parts.training_state()[name], array, roundings=ROUNDINGS, name=name)


def test_what_was_learned_in_parts_goes_on_as_a_whole(trained):
    engine, _ = trained
    other = Engine(PLAIN, CLASSES, parts=3)
    assert other.load(engine.weights(), engine.training_state()) is True
    for name, array in engine.training_state().items():
        np.testing.assert_array_equal(other.training_state()[name], array)


def test_the_parts_of_a_batch_drop_other_units():
    engine = Engine(tiny(train_keep_prob=0.5, num_seqs=2), CLASSES, parts=2)
    engine.step(np.repeat(BATCHES[0][:1], 2, 0), 0, 0.0, restart=True)
    first, second = engine.training_state()["memory/2"]  # of the second layer, which read what the first one left
    assert not np.allclose(first, second)


@pytest.mark.parametrize(
    ("sequences", "processors", "parts"), [(3, 8, 1), (32, 2, 2), (50, 2, 2), (64, 3, 2), (48, 3, 3)]
)
def test_a_batch_is_cut_into_equal_parts_of_enough_sequences(sequences, processors, parts, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(processors)), raising=False)
    assert num_shards(sequences) == parts


def test_the_gradients_were_really_limited_on_the_way(trained):
    assert max(norm for _, norm in trained[1]) > 0.2


def test_the_loss_of_a_step_is_the_cross_entropy_before_it(trained):
    network = drawn_engine().network
    logits = tf.transpose(network(tf.constant(BATCHES[0][:, :-1]))[0], [1, 0, 2]).numpy()
    assert trained[1][0][0] == pytest.approx(
        cross_entropy(logits, BATCHES[0][:, 1:]), rel=ROUNDINGS * EPSILON["float32"]
    )


def test_defect_13_the_last_target_of_a_sequence_is_the_character_after_it(trained):
    """The article's last target was the sequence's own first character."""
    ids, targets = BATCHES[0][:, :-1], BATCHES[0][:, 1:].copy()
    logits = tf.transpose(drawn_engine().network(tf.constant(ids))[0], [1, 0, 2]).numpy()
    targets[:, -1] = ids[:, 0]
    assert trained[1][0][0] != pytest.approx(cross_entropy(logits, targets), rel=1e-3)


def test_arrays_have_the_same_names_in_every_engine_of_a_process(trained):
    """Keras numbers its optimizers, so a second training in the same process could not go on from the first."""
    other = Engine(PLAIN, CLASSES)
    assert other.weights().keys() == trained[0].weights().keys()
    assert other.training_state().keys() == trained[0].training_state().keys()


def test_loaded_weights_and_state_make_the_same_next_step(trained):
    engine, _ = trained
    other = Engine(PLAIN | {"seed": 5}, CLASSES)
    assert other.load(engine.weights(), engine.training_state()) is True
    batch = BATCHES[7]
    assert other.step(batch, 200, RATE, restart=False) == engine.step(batch, 200, RATE, restart=False)
    for name, array in engine.weights().items():
        np.testing.assert_array_equal(other.weights()[name], array)
    for name, array in engine.training_state().items():
        np.testing.assert_array_equal(other.training_state()[name], array)


def test_a_memory_of_another_size_starts_empty(trained):
    other = Engine(PLAIN | {"num_seqs": 2}, CLASSES)
    assert other.load(trained[0].weights(), trained[0].training_state()) is False
    memories = [array for name, array in other.training_state().items() if name.startswith("memory/")]
    assert len(memories) == 4
    assert all(memory.shape == (2, 5) and not memory.any() for memory in memories)


def test_missing_and_misshapen_arrays_are_named(trained):
    engine, _ = trained
    weights, state, other = engine.weights(), engine.training_state(), Engine(PLAIN, CLASSES)
    name = "layer_1/kernel"
    with pytest.raises(CheckpointError, match=f"holds no '{name}'"):
        other.load({n: w for n, w in weights.items() if n != name}, state)
    with pytest.raises(CheckpointError, match=rf"'{name}' has shape \(2, 3\), the network needs \(7, 20\)"):
        other.load(weights | {name: np.zeros((2, 3))}, state)
    with pytest.raises(CheckpointError, match="holds no 'optimizer/"):
        other.load(weights, {})


def test_every_array_has_a_name_of_its_own():
    engine = Engine(tiny(cell="mingru", use_embedding=True, num_layers=3), CLASSES)
    assert len(engine.weights()) == len(engine.network.weights)
    memory = 5 + 3  # what the convolution read last, and what each layer remembers
    of_adam = 2 + 2 * len(engine.weights())  # how many steps and the rate, and two means for each weight
    assert len(engine.training_state()) == of_adam + memory


def test_muon_keeps_one_mean_instead_of_two_for_what_it_changes():
    adamw, muon = (
        Engine(tiny(cell="mingru", use_embedding=True, num_layers=3, optimizer=name), CLASSES).training_state()
        for name in ("adamw", "muon")
    )
    own = {name for name in muon if name.startswith("optimizer/muon/layer_") and "kernel" in name}
    assert own == {
        f"optimizer/muon/layer_{number}_{name}_momentum"
        for number in (1, 2, 3)
        for name in ("kernel", "output_kernel")
    }  # fmt: skip
    assert len(muon) == len(adamw) - len(own)


def test_the_number_of_a_step_decides_what_drops():
    engine = Engine(tiny(train_keep_prob=0.5), CLASSES)
    one, again, other = (engine.step(BATCHES[0], number, 0.0, restart=True)[0] for number in (3, 3, 4))
    assert one == again != other


def test_the_result_is_the_running_average_of_the_weights_that_learn():
    engine = Engine(PLAIN | {"weight_average": 0.2}, CLASSES)
    averages = [variable.numpy() for variable in engine.network.weights]
    for number, stays in enumerate((1 / 6, 0.2, 0.2, 0.2)):  # 2 / 7 and more would be above what was asked for
        engine.step(BATCHES[number], number, RATE, restart=number == 0)
        learning = [variable.numpy() for variable in engine.network.weights]
        averages = [stays * a + (1 - stays) * w for a, w in zip(averages, learning, strict=True)]
    for average, variable, newest in zip(averages, engine.result.weights, learning, strict=True):
        assert_close(variable, average, roundings=4 * 3)
        assert not np.allclose(variable, newest, atol=1e-5)
        np.testing.assert_array_equal(engine.weights()[variable.path], variable)


def test_without_averaging_the_result_is_the_network_that_learns():
    engine = Engine(PLAIN, CLASSES)
    assert engine.result is engine.network


@pytest.mark.parametrize(("before", "after"), [(0, 0.5), (0.5, 0)])
def test_averaging_can_be_switched_on_and_off_between_two_stretches(before, after):
    engine, other = (Engine(PLAIN | {"weight_average": average}, CLASSES) for average in (before, after))
    engine.step(BATCHES[0], 0, RATE, restart=True)
    other.load(engine.weights(), engine.training_state())
    for goes_on, learned in zip(other.network.weights, engine.network.weights, strict=True):
        np.testing.assert_array_equal(goes_on, learned)


def test_an_engine_that_knows_how_often_each_class_occurs_begins_at_that_entropy():
    engine = Engine(tiny(cell="mingru", weight_average=0.9, train_keep_prob=1), CLASSES)
    ids = np.array([0] * 700 + [1] * 200 + [2] * 95 + [3] * 5, np.int32)
    engine.expect(ids)
    counts = np.bincount(ids, minlength=CLASSES) + 0.5
    shares = counts / counts.sum()
    for network in (engine.network, engine.result):
        network.output_kernel.assign(np.zeros(network.output_kernel.shape))
        scores, _ = network(ids[None, :7])
        assert_close(tf.nn.softmax(scores)[0, 0], shares, roundings=CLASSES + 2 * FUNCTION)
