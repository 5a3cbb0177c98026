"""Trainings: exact to the bit over a break, ended by what the options and the user say, never losing work."""

import re
import time

import keras
import numpy as np
import pytest

from charrnn.core.batches import Streams
from charrnn.core.errors import CheckpointError, TextError, TrainingFailed
from charrnn.core.options import checked
from charrnn.core.records import ModelState
from charrnn.core.training_events import CheckpointSaved, LogMessage, MetricsMeasured
from charrnn.model.network.network import Network
from charrnn.model.training.checkpoint import load
from charrnn.model.training.evaluation import Evaluation
from tests.support.tiny_networks import CLASSES, IDS, VOCABULARY, after, learn, tiny

SMALL = {"cell": "rnn", "num_layers": 1, "val_fraction": 0}
CASES = {
    "lstm": {"optimizer": "adam", "lr_schedule": "cosine", "warmup_steps": 2, "val_fraction": 0.2},
    "gru": {"optimizer": "rmsprop", "lr_schedule": "decay", "lr_decay_after": 0, "clip_by": "value"},
    "rnn": {"optimizer": "adamw", "use_embedding": True, "weight_decay": 0.1},
    "mingru": {"optimizer": "muon", "lr_schedule": "cosine", "use_embedding": True, "weight_average": 0.4},
}


def values(events, name):
    """What was measured under a name, by step."""
    return {e.step: e.values[name] for e in events if isinstance(e, MetricsMeasured) and name in e.values}


def lines(events):
    return [e.text for e in events if isinstance(e, LogMessage)]


def saved(events, kind):
    return [e.step for e in events if isinstance(e, CheckpointSaved) and e.kind == kind]


def assert_same_to_the_bit(one, two):
    one, two = load(one, with_training=True), load(two, with_training=True)
    for arrays, others in ((one.weights, two.weights), (one.training_state, two.training_state)):
        assert arrays.keys() == others.keys()
        for name in arrays:
            np.testing.assert_array_equal(arrays[name], others[name], err_msg=name)
    own = {"seconds": 0, "began": 0}  # time, and the number of the training, which the folders' names have, too
    assert one.progress | own == two.progress | own


@pytest.mark.parametrize("cell", CASES)
def test_a_resumed_training_equals_one_that_never_stopped(cell, tmp_path):
    """Over the end of a pass (8 or 10 steps) and from the middle of the stretch between two validations."""
    options = tiny(
        cell=cell, num_layers=1, max_steps=12, save_every_n=7, eval_every_n=4, **{"val_fraction": 0} | CASES[cell]
    )
    _, whole = learn(tmp_path, options)
    _, rest = learn(tmp_path, options, number=2, resume_from=tmp_path / "last-7-1")
    assert_same_to_the_bit(tmp_path / "last-12-1", tmp_path / "last-12-2")
    for name in ("loss", "val_loss"):
        later = {step: value for step, value in values(whole, name).items() if step > 7}
        assert values(rest, name) == later
    assert "resumed at step 7" in lines(rest)


class AtValidation(keras.callbacks.Callback):
    """Remembers that a validation has begun: for asking to stop in the middle of it."""

    has_begun = False

    def on_test_begin(self, logs=None):
        self.has_begun = True


@pytest.mark.parametrize("max_steps", [6, 8])
def test_a_stop_need_not_wait_for_a_validation_which_is_done_when_the_training_goes_on(max_steps, tmp_path):
    options = tiny(cell="rnn", num_layers=1, max_steps=max_steps, eval_every_n=6, val_fraction=0.3)
    _, whole = learn(tmp_path, options)
    flag = AtValidation()
    state, first = learn(tmp_path, options, number=2, callbacks=[flag], should_stop=lambda: flag.has_begun)
    assert (state, saved(first, "last"), values(first, "val_loss")) == (ModelState.STOPPED, [6], {})
    assert "stopped at step 6, before its validation was done" in lines(first)
    state, rest = learn(tmp_path, options, number=3, resume_from=tmp_path / "last-6-2")
    assert state == ModelState.COMPLETED
    assert values(rest, "val_loss") == values(whole, "val_loss")
    assert_same_to_the_bit(tmp_path / f"last-{max_steps}-1", tmp_path / f"last-{max_steps}-3")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A training of which only three steps were done; it had got the seed 2."""
    folder = tmp_path_factory.mktemp("stopped")
    options = tiny(**SMALL, seed=2, max_steps=5)
    state, events = learn(folder, options, should_stop=after(3))
    return folder, options, state, events


def test_defects_5_and_6_a_stop_is_no_completion_comes_after_the_step_under_way_and_saves(stopped):
    folder, _, state, events = stopped
    assert state == ModelState.STOPPED
    assert list(values(events, "loss")) == [1, 2, 3] and saved(events, "last") == [3]
    assert load(folder / "last-3-1", with_training=True).progress["step"] == 3
    assert lines(events)[-1] == "stopped at step 3"


def test_a_stopped_training_goes_on_to_where_it_would_have_come(stopped, tmp_path):
    folder, options, _, _ = stopped
    state, events = learn(tmp_path, options, number=2, resume_from=folder / "last-3-1")
    assert state == ModelState.COMPLETED and list(values(events, "loss")) == [4, 5]
    learn(tmp_path, options)
    assert_same_to_the_bit(tmp_path / "last-5-1", tmp_path / "last-5-2")


def test_the_same_seed_repeats_a_training_to_the_bit_and_another_does_not(stopped, tmp_path):
    folder, options, _, events = stopped
    _, again = learn(tmp_path, options, should_stop=after(3))
    assert_same_to_the_bit(folder / "last-3-1", tmp_path / "last-3-1")
    _, other = learn(tmp_path, options | {"seed": 3}, number=2, should_stop=after(3))
    assert values(events, "loss") == values(again, "loss") != values(other, "loss")


def test_a_completed_training_has_nothing_to_do_until_it_gets_more_steps(stopped, tmp_path):
    folder, options, _, _ = stopped
    state, events = learn(tmp_path, options | {"max_steps": 3}, resume_from=folder / "last-3-1")
    assert state == ModelState.COMPLETED and not values(events, "loss") and not saved(events, "last")
    state, events = learn(tmp_path, options | {"max_steps": 4}, resume_from=folder / "last-3-1")
    assert state == ModelState.COMPLETED and list(values(events, "loss")) == [4]


def test_defect_7_a_checkpoint_of_other_options_is_refused_with_the_reason(stopped, tmp_path):
    folder, options, _, _ = stopped
    with pytest.raises(CheckpointError, match=r"has shape .*, the network needs .*; it was made by other options"):
        learn(tmp_path, options | {"lstm_size": 4}, resume_from=folder / "last-3-1")


def test_with_another_number_of_sequences_it_goes_on_with_an_empty_memory_and_says_so(stopped, tmp_path):
    folder, options, _, _ = stopped
    state, events = learn(tmp_path, options | {"num_seqs": 2}, resume_from=folder / "last-3-1")
    assert state == ModelState.COMPLETED
    assert LogMessage("num_seqs has changed: the network's memory starts empty", "warning") in events


def test_defect_4_a_text_that_is_too_short_is_refused_at_once(tmp_path):
    with pytest.raises(TextError, match=r"14 characters.*3 × 5 = 15.*lower num_seqs to 2"):
        learn(tmp_path, tiny(), ids=IDS[:14])


def test_a_short_text_trains_after_lowering_what_the_message_names(tmp_path):
    state, _ = learn(tmp_path, tiny(**SMALL, num_seqs=2, max_steps=2), ids=IDS[:14])
    assert state == ModelState.COMPLETED


class Spy(keras.callbacks.Callback):
    """Breaks something at a step, and keeps what it was told."""

    def __init__(self, step, harm):
        super().__init__()
        self.step, self.harm, self.logs = step, harm, []

    def on_train_batch_end(self, batch, logs=None):
        self.logs.append(logs)
        if len(self.logs) == self.step:
            self.harm(self.model)


def poison(network):
    network.output_bias.assign(np.full(CLASSES, np.nan))


def test_a_loss_that_is_not_a_number_ends_it_and_names_the_options_to_change(tmp_path):
    options, events = tiny(**SMALL, save_every_n=2, max_steps=9), []
    with pytest.raises(TrainingFailed, match=r"loss became nan.*step 4.*Lower learning_rate \(now 0.01\).*grad_clip"):
        learn(tmp_path, options, tell=events.append, callbacks=[Spy(3, poison)])
    assert saved(events, "last") == [2]  # and nothing of the poisoned network
    assert all(np.isfinite(w).all() for w in load(tmp_path / "last-2-1", with_training=False).weights.values())


def test_a_validation_loss_that_is_not_a_number_ends_it_as_well(tmp_path):
    """It became the best loss, which no checkpoint can hold, and the training ended with JSON's own words."""
    options, events = tiny(**SMALL | {"val_fraction": 0.2}, eval_every_n=3, max_steps=9), []
    with pytest.raises(TrainingFailed, match=r"validation loss became nan at step 3: .*Lower learning_rate"):
        learn(tmp_path, options, tell=events.append, callbacks=[Spy(3, poison)])
    assert not saved(events, "last") and not saved(events, "best")


def deafen(network):
    network.output_bias.assign([900, 0, 0, 0, 0, 0, 0])


def test_an_exploded_loss_ends_it_after_a_hundred_steps_in_a_row(tmp_path):
    options, events = tiny(**SMALL, learning_rate=1e-6, max_steps=300, save_every_n=200), []
    with pytest.raises(
        TrainingFailed, match=r"above 3 × 1\.\d\d.* for 100 steps.*exploded. Lower learning_rate \(now 1e-06"
    ):
        learn(tmp_path, options, tell=events.append, callbacks=[Spy(5, deafen)])
    assert max(values(events, "loss")) in (104, 105)


def test_a_callback_that_raises_loses_no_step(tmp_path):
    def give_up(network):
        raise ZeroDivisionError("my own mistake")

    events = []
    with pytest.raises(ZeroDivisionError, match="my own mistake"):
        learn(tmp_path, tiny(**SMALL), tell=events.append, callbacks=[Spy(4, give_up)])
    assert saved(events, "last") == [4]
    assert load(tmp_path / "last-4-1", with_training=True).progress["step"] == 4


def test_a_limit_of_passes_ends_it_as_completed(tmp_path):
    assert Streams(IDS, num_seqs=3, num_steps=4, seed=1).steps_per_epoch == 10
    state, events = learn(tmp_path, tiny(**SMALL, max_epochs=1.5, max_steps=1000))
    assert state == ModelState.COMPLETED and max(values(events, "loss")) == 15 and saved(events, "last") == [15]


def test_a_limit_of_minutes_ends_it_as_completed(tmp_path):
    started = time.monotonic()
    state, events = learn(tmp_path, tiny(**SMALL, max_minutes=0.0001, max_steps=1_000_000, lr_schedule="cosine"))
    assert state == ModelState.COMPLETED and saved(events, "last") == [1]  # one step compiles longer than that
    assert "the time limit of 0.0001 minutes is reached" in lines(events)
    assert load(tmp_path / "last-1-1", with_training=True).progress["seconds"] <= time.monotonic() - started


def test_patience_ends_it_at_the_validation_that_uses_it_up(tmp_path):
    options = tiny(**SMALL | {"val_fraction": 0.2}, learning_rate=1, eval_every_n=2, patience=2, max_steps=200)
    state, events = learn(tmp_path, options)
    losses = values(events, "val_loss")
    best, last = min(losses, key=losses.get), max(losses)
    assert state == ModelState.COMPLETED and last == best + 4 < 200
    assert saved(events, "best")[-1] == best and saved(events, "last") == [last]
    assert "no lower loss in 2 validations: the training ends" in lines(events)


def test_the_best_checkpoint_holds_the_weights_that_were_measured(tmp_path):
    changes = {"learning_rate": 1, "train_keep_prob": 1, "eval_every_n": 1, "max_steps": 9, "seed": 3}
    options = tiny(**SMALL | {"val_fraction": 0.2} | changes)
    _, events = learn(tmp_path, options)
    losses, bests = (
        values(events, "val_loss"),
        [e for e in events if isinstance(e, CheckpointSaved) and e.kind == "best"],
    )
    assert bests[-1].loss == min(losses.values()) and bests[-1].step < 9 == saved(events, "last")[-1]
    network = Network(options, CLASSES)
    for variable in network.weights:
        variable.assign(load(tmp_path / bests[-1].folder, with_training=False).weights[variable.path])
    assert Evaluation(network, IDS, first=105).loss() == bests[-1].loss


def test_the_log_begins_with_the_lines_of_the_articles_program(stopped):
    first = lines(stopped[3])[:3]
    assert first == ["corpus size 131", "using 6 unique characters of this corpus:", str(list(VOCABULARY.characters))]


def test_the_learning_rate_follows_warm_up_and_schedule_from_step_to_step(tmp_path):
    options = tiny(**SMALL, lr_schedule="cosine", warmup_steps=2, max_steps=8, log_every_n=1, learning_rate=0.1)
    _, events = learn(tmp_path, options)
    fall = 0.02 + 0.98 * (1 + np.cos(np.pi * np.arange(8) / 8)) / 2
    expected = 0.1 * fall * [0.5, 1, 1, 1, 1, 1, 1, 1]
    np.testing.assert_allclose(list(values(events, "learning_rate").values()), expected, rtol=1e-6)


def test_the_articles_preset_says_that_nothing_is_kept_for_validation(tmp_path):
    options = checked("training", {"num_seqs": 3, "num_steps": 4, "lstm_size": 5, "max_steps": 1, "val_fraction": 0})
    _, events = learn(tmp_path, options)
    assert not values(events, "val_loss") and not saved(events, "best")
    assert re.search(r"131 characters to train on in 10 steps a pass, 0 to validate on", "\n".join(lines(events)))
