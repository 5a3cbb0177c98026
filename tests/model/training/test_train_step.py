"""Tests of training steps: loss against NumPy, many steps against a float64 reference, stored state."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.core.errors import CheckpointError
from charrnn.model.compute.shard_count import num_shards
from charrnn.model.training.train_step import TrainStep
from tests.support.reference_network import Reference
from tests.support.rounding import EPSILON, FUNCTION, assert_close
from tests.support.tiny_networks import CLASSES, tiny

DRAW = np.random.default_rng(6)
BATCHES = [DRAW.integers(0, CLASSES, (3, 5)).astype(np.int32) for _ in range(200)]
RESTARTS = 0, 15
RATE = 0.01
ROUNDINGS = 2 * 2 * 4 * (CLASSES + 2 * 5 + FUNCTION)
"""Forward and backward, through two layers and four characters, each with sums over input and state, and a gate."""
PLAIN = tiny(train_keep_prob=1, learning_rate=RATE, grad_clip=0.2)


def cross_entropy(logits, targets):
    """Return mean nats of logits `(B, T, V)` and ids `(B, T)`."""
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    probabilities = exponentials / exponentials.sum(-1, keepdims=True)
    return -np.log(np.take_along_axis(probabilities, targets[..., None], -1)).mean()


def random_train_step(cell="lstm"):
    """Return a training step with weights so large that the state matters."""
    train_step, draw = TrainStep(PLAIN | {"cell": cell}, CLASSES), np.random.default_rng(1)
    for variable in train_step.network.weights:
        variable.assign(draw.normal(size=variable.shape))
    return train_step


@pytest.fixture(scope="module")
def trained():
    """Return a training step after two hundred steps, with a reset at the sixteenth, and the result of each step."""
    train_step = random_train_step()
    return train_step, [train_step.step(b, n, RATE, restart=n in RESTARTS) for n, b in enumerate(BATCHES)]


def state_of(train_step):
    state = train_step.training_state()
    return [state[name] for name in sorted(name for name in state if name.startswith("memory/"))]


@pytest.mark.parametrize("cell", ["lstm", "gru", "mingru"])
def test_two_hundred_steps_match_an_independent_float64_reference(cell):
    """Each step of the reference starts from the same weights and state, because training amplifies
    the last bit until two CPUs disagree in the third digit."""
    train_step = random_train_step(cell)
    reference = Reference(train_step.network, RATE, PLAIN["grad_clip"])
    found_metrics, expected = [], []
    for number, batch in enumerate(BATCHES):
        restart = number in RESTARTS
        *values, weights, memory = reference.step(train_step.network, None if restart else state_of(train_step), batch)
        expected.append(values)
        found_metrics.append(train_step.step(batch, number, RATE, restart=restart))
        for found, array in zip(state_of(train_step), memory, strict=True):
            assert_close(found, array, roundings=ROUNDINGS, name=f"memory after step {number}")
        for found, array in zip(reference.weights_of(train_step.network), weights, strict=True):
            # Adam divides a gradient by its own size, so a gradient that nearly vanishes has no exact digits.
            np.testing.assert_allclose(found, array, rtol=0, atol=RATE / 20, err_msg=f"weights after step {number}")
    np.testing.assert_allclose(found_metrics, expected, rtol=ROUNDINGS * EPSILON["float32"])


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "mingru"])
def test_sharded_step_matches_a_single_shard(cell):
    single, sharded = (TrainStep(PLAIN | {"cell": cell}, CLASSES, shards=shards) for shards in (1, 3))
    for number, batch in enumerate(BATCHES[:8]):
        arguments = batch, number, 0.05
        restart = number in (0, 5)
        sharded.load(single.weights(), single.training_state())  # each step starts without previous rounding errors
        one, other = single.step(*arguments, restart=restart), sharded.step(*arguments, restart=restart)
        np.testing.assert_allclose(one, other, rtol=ROUNDINGS * EPSILON["float32"])
        for name, array in single.training_state().items():
            assert_close(sharded.training_state()[name], array, roundings=ROUNDINGS, name=name)


def test_state_can_be_loaded_with_another_number_of_shards(trained):
    train_step, _ = trained
    other = TrainStep(PLAIN, CLASSES, shards=3)
    assert other.load(train_step.weights(), train_step.training_state()) is True
    for name, array in train_step.training_state().items():
        np.testing.assert_array_equal(other.training_state()[name], array)


def test_shards_have_different_dropout_masks():
    train_step = TrainStep(tiny(train_keep_prob=0.5, num_seqs=2), CLASSES, shards=2)
    train_step.step(np.repeat(BATCHES[0][:1], 2, 0), 0, 0.0, restart=True)
    first, second = train_step.training_state()["memory/2"]  # of the second layer, whose input was masked
    assert not np.allclose(first, second)


@pytest.mark.parametrize(
    ("sequences", "processors", "shards"), [(3, 8, 1), (32, 2, 2), (50, 2, 2), (64, 3, 2), (48, 3, 3)]
)
def test_num_shards_divides_the_batch_evenly(sequences, processors, shards, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(processors)), raising=False)
    assert num_shards(sequences) == shards


def test_reference_training_clips_gradients(trained):
    assert max(norm for _, norm in trained[1]) > 0.2


def test_step_returns_the_cross_entropy_before_the_update(trained):
    network = random_train_step().network
    logits = tf.transpose(network(tf.constant(BATCHES[0][:, :-1]))[0], [1, 0, 2]).numpy()
    assert trained[1][0][0] == pytest.approx(
        cross_entropy(logits, BATCHES[0][:, 1:]), rel=ROUNDINGS * EPSILON["float32"]
    )


def test_defect_13_last_target_of_a_sequence_is_the_next_character(trained):
    """The article's last target was the sequence's own first character."""
    ids, targets = BATCHES[0][:, :-1], BATCHES[0][:, 1:].copy()
    logits = tf.transpose(random_train_step().network(tf.constant(ids))[0], [1, 0, 2]).numpy()
    targets[:, -1] = ids[:, 0]
    assert trained[1][0][0] != pytest.approx(cross_entropy(logits, targets), rel=1e-3)


def test_array_names_do_not_depend_on_other_trainings_of_the_process(trained):
    """Keras numbers its optimizers, so a second training in the same process could not resume the first."""
    other = TrainStep(PLAIN, CLASSES)
    assert other.weights().keys() == trained[0].weights().keys()
    assert other.training_state().keys() == trained[0].training_state().keys()


def test_loaded_state_gives_the_same_next_step(trained):
    train_step, _ = trained
    other = TrainStep(PLAIN | {"seed": 5}, CLASSES)
    assert other.load(train_step.weights(), train_step.training_state()) is True
    batch = BATCHES[7]
    assert other.step(batch, 200, RATE, restart=False) == train_step.step(batch, 200, RATE, restart=False)
    for name, array in train_step.weights().items():
        np.testing.assert_array_equal(other.weights()[name], array)
    for name, array in train_step.training_state().items():
        np.testing.assert_array_equal(other.training_state()[name], array)


def test_state_is_reset_when_its_size_changes(trained):
    other = TrainStep(PLAIN | {"num_seqs": 2}, CLASSES)
    assert other.load(trained[0].weights(), trained[0].training_state()) is False
    states = [array for name, array in other.training_state().items() if name.startswith("memory/")]
    assert len(states) == 4
    assert all(state.shape == (2, 5) and not state.any() for state in states)


def test_missing_and_mismatched_arrays_are_named(trained):
    train_step, _ = trained
    weights, state, other = train_step.weights(), train_step.training_state(), TrainStep(PLAIN, CLASSES)
    name = "layer_1/kernel"
    with pytest.raises(CheckpointError, match=f"has no '{name}'"):
        other.load({n: w for n, w in weights.items() if n != name}, state)
    with pytest.raises(CheckpointError, match=rf"'{name}' has shape \(2, 3\), but the network needs \(7, 20\)"):
        other.load(weights | {name: np.zeros((2, 3))}, state)
    with pytest.raises(CheckpointError, match="has no 'optimizer/"):
        other.load(weights, {})


def test_every_array_has_a_unique_name():
    train_step = TrainStep(tiny(cell="mingru", use_embedding=True, num_layers=3), CLASSES)
    assert len(train_step.weights()) == len(train_step.network.weights)
    states = 5 + 3  # the state of the convolution and of each layer
    of_adam = 2 + 2 * len(train_step.weights())  # iterations, learning rate, and two moments per weight
    assert len(train_step.training_state()) == of_adam + states


def test_muon_stores_one_momentum_per_matrix():
    adamw, muon = (
        TrainStep(tiny(cell="mingru", use_embedding=True, num_layers=3, optimizer=name), CLASSES).training_state()
        for name in ("adamw", "muon")
    )
    own = {name for name in muon if name.startswith("optimizer/muon/layer_") and "kernel" in name}
    assert own == {
        f"optimizer/muon/layer_{number}_{name}_momentum"
        for number in (1, 2, 3)
        for name in ("kernel", "output_kernel")
    }  # fmt: skip
    assert len(muon) == len(adamw) - len(own)


def test_step_number_determines_the_dropout_mask():
    train_step = TrainStep(tiny(train_keep_prob=0.5), CLASSES)
    one, again, other = (train_step.step(BATCHES[0], number, 0.0, restart=True)[0] for number in (3, 3, 4))
    assert one == again != other


def test_result_is_the_running_average_of_the_trained_weights():
    train_step = TrainStep(PLAIN | {"weight_average": 0.2}, CLASSES)
    averages = [variable.numpy() for variable in train_step.network.weights]
    for number, kept in enumerate((1 / 6, 0.2, 0.2, 0.2)):  # step / (step + 5) exceeds 0.2 from the second step on
        train_step.step(BATCHES[number], number, RATE, restart=number == 0)
        learning = [variable.numpy() for variable in train_step.network.weights]
        averages = [kept * a + (1 - kept) * w for a, w in zip(averages, learning, strict=True)]
    for average, variable, newest in zip(averages, train_step.result.weights, learning, strict=True):
        assert_close(variable, average, roundings=4 * 3)
        assert not np.allclose(variable, newest, atol=1e-5)
        np.testing.assert_array_equal(train_step.weights()[variable.path], variable)


def test_result_is_the_trained_network_without_averaging():
    train_step = TrainStep(PLAIN, CLASSES)
    assert train_step.result is train_step.network


@pytest.mark.parametrize(("before", "after"), [(0, 0.5), (0.5, 0)])
def test_averaging_can_be_enabled_and_disabled_on_resume(before, after):
    train_step, other = (TrainStep(PLAIN | {"weight_average": average}, CLASSES) for average in (before, after))
    train_step.step(BATCHES[0], 0, RATE, restart=True)
    other.load(train_step.weights(), train_step.training_state())
    for resumed, trained in zip(other.network.weights, train_step.network.weights, strict=True):
        np.testing.assert_array_equal(resumed, trained)


def test_output_bias_can_be_initialized_to_class_frequencies():
    train_step = TrainStep(tiny(cell="mingru", weight_average=0.9, train_keep_prob=1), CLASSES)
    ids = np.array([0] * 700 + [1] * 200 + [2] * 95 + [3] * 5, np.int32)
    train_step.initialize_output_bias(ids)
    counts = np.bincount(ids, minlength=CLASSES) + 0.5
    shares = counts / counts.sum()
    for network in (train_step.network, train_step.result):
        network.output_kernel.assign(np.zeros(network.output_kernel.shape))
        logits, _ = network(ids[None, :7])
        assert_close(tf.nn.softmax(logits)[0, 0], shares, roundings=CLASSES + 2 * FUNCTION)
