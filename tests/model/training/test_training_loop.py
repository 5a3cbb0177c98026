"""Tests of trainings: exact resumes, ends by options and by the user, no lost work."""

import re
import time

import keras
import numpy as np
import pytest

from charrnn.core.batches import Streams
from charrnn.core.errors import CheckpointError, TextError, TrainingFailed
from charrnn.core.options import checked
from charrnn.core.records import ModelState
from charrnn.core.training_events import CheckpointSaved, LogMessage, MetricsMeasured, SampleGenerated
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
    """Return the values of a metric by step."""
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
    own = {"seconds": 0, "best_seconds": 0, "began": 0}  # differ between trainings
    assert one.progress | own == two.progress | own


@pytest.mark.parametrize("cell", CASES)
def test_resumed_training_equals_an_uninterrupted_one(cell, tmp_path):
    """Across the end of an epoch (8 or 10 steps), and from between two validations."""
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


def test_resumed_training_with_log_cadence_equals_an_uninterrupted_one(tmp_path):
    changes = {"max_steps": 23, "save_every_n": 7, "eval_every_n": 9, "cadence": "log", "sample_every_n": 11}
    options = tiny(cell="rnn", num_layers=1, **changes)
    _, whole = learn(tmp_path, options)
    assert list(values(whole, "val_loss")) == [1, 2, 5, 9, 18, 23]
    assert saved(whole, "last") == [1, 2, 5, 7, 14, 21, 23]
    assert [e.step for e in whole if isinstance(e, SampleGenerated)] == [1, 2, 5, 10, 11, 22, 23]
    _, rest = learn(tmp_path, options, number=2, resume_from=tmp_path / "last-5-1")
    assert_same_to_the_bit(tmp_path / "last-23-1", tmp_path / "last-23-2")
    assert values(rest, "val_loss") == {at: loss for at, loss in values(whole, "val_loss").items() if at > 5}


def test_unsaved_best_state_is_saved_before_the_next_newest_one(tmp_path):
    """If lower losses follow each other quickly, saving each state would take longer than training."""
    changes = {"eval_every_n": 1, "save_every_n": 10, "max_steps": 13, "cadence": "log", "learning_rate": 0.01}
    _, events = learn(tmp_path, tiny(cell="rnn", num_layers=1, **changes))
    losses = values(events, "val_loss")
    checkpoints = [e for e in events if isinstance(e, CheckpointSaved)]
    assert len(checkpoints) < len(losses)
    for newest in (e for e in checkpoints if e.kind == "last"):
        lowest = min((loss, at) for at, loss in losses.items() if at <= newest.step)
        best = [e for e in checkpoints[: checkpoints.index(newest)] if e.kind == "best"][-1]
        assert (best.loss, best.step) == lowest
        assert load(tmp_path / best.folder, with_training=True).progress["step"] == best.step


def test_unsaved_best_state_is_saved_when_the_loss_becomes_nan(tmp_path):
    changes = {"eval_every_n": 1, "save_every_n": 50, "max_steps": 50, "cadence": "log"}
    options, events = tiny(cell="rnn", num_layers=1, **changes), []

    def spoil(network):
        network.weights[0].assign(np.full(network.weights[0].shape, np.nan))

    with pytest.raises(TrainingFailed):
        learn(tmp_path, options, emit=events.append, callbacks=[CallAtStep(4, spoil)])
    losses = values(events, "val_loss")
    best = [e for e in events if isinstance(e, CheckpointSaved) and e.kind == "best"][-1]
    assert best.loss == min(losses.values())


class AtValidation(keras.callbacks.Callback):
    """Record that a validation has begun, to request a stop in the middle of it."""

    has_begun = False

    def on_test_begin(self, logs=None):
        self.has_begun = True


@pytest.mark.parametrize("max_steps", [6, 8])
def test_stop_interrupts_a_validation_which_is_repeated_on_resume(max_steps, tmp_path):
    options = tiny(cell="rnn", num_layers=1, max_steps=max_steps, eval_every_n=6, val_fraction=0.3)
    _, whole = learn(tmp_path, options)
    flag = AtValidation()
    state, first = learn(tmp_path, options, number=2, callbacks=[flag], should_stop=lambda: flag.has_begun)
    assert (state, saved(first, "last"), values(first, "val_loss")) == (ModelState.STOPPED, [6], {})
    assert "stopped at step 6, before its validation was complete" in lines(first)
    state, rest = learn(tmp_path, options, number=3, resume_from=tmp_path / "last-6-2")
    assert state == ModelState.COMPLETED
    assert values(rest, "val_loss") == values(whole, "val_loss")
    assert_same_to_the_bit(tmp_path / f"last-{max_steps}-1", tmp_path / f"last-{max_steps}-3")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """Return a training with seed 2 that was stopped after three steps."""
    folder = tmp_path_factory.mktemp("stopped")
    options = tiny(**SMALL, seed=2, max_steps=5)
    state, events = learn(folder, options, should_stop=after(3))
    return folder, options, state, events


def test_defects_5_and_6_stop_saves_after_the_current_step_and_does_not_complete(stopped):
    folder, _, state, events = stopped
    assert state == ModelState.STOPPED
    assert list(values(events, "loss")) == [1, 2, 3] and saved(events, "last") == [3]
    assert load(folder / "last-3-1", with_training=True).progress["step"] == 3
    assert lines(events)[-1] == "stopped at step 3"


def test_stopped_training_resumes_to_the_same_result(stopped, tmp_path):
    folder, options, _, _ = stopped
    state, events = learn(tmp_path, options, number=2, resume_from=folder / "last-3-1")
    assert state == ModelState.COMPLETED and list(values(events, "loss")) == [4, 5]
    learn(tmp_path, options)
    assert_same_to_the_bit(tmp_path / "last-5-1", tmp_path / "last-5-2")


def test_training_is_reproducible_with_the_same_seed(stopped, tmp_path):
    folder, options, _, events = stopped
    _, again = learn(tmp_path, options, should_stop=after(3))
    assert_same_to_the_bit(folder / "last-3-1", tmp_path / "last-3-1")
    _, other = learn(tmp_path, options | {"seed": 3}, number=2, should_stop=after(3))
    assert values(events, "loss") == values(again, "loss") != values(other, "loss")


def test_completed_training_continues_only_with_more_steps(stopped, tmp_path):
    folder, options, _, _ = stopped
    state, events = learn(tmp_path, options | {"max_steps": 3}, resume_from=folder / "last-3-1")
    assert state == ModelState.COMPLETED and not values(events, "loss") and not saved(events, "last")
    state, events = learn(tmp_path, options | {"max_steps": 4}, resume_from=folder / "last-3-1")
    assert state == ModelState.COMPLETED and list(values(events, "loss")) == [4]


def test_defect_7_checkpoint_of_other_options_is_rejected_with_the_reason(stopped, tmp_path):
    folder, options, _, _ = stopped
    with pytest.raises(
        CheckpointError, match=r"has shape .*, but the network needs .*\. It was saved with other options"
    ):
        learn(tmp_path, options | {"lstm_size": 4}, resume_from=folder / "last-3-1")


def test_changed_num_seqs_resets_the_state_with_a_warning(stopped, tmp_path):
    folder, options, _, _ = stopped
    state, events = learn(tmp_path, options | {"num_seqs": 2}, resume_from=folder / "last-3-1")
    assert state == ModelState.COMPLETED
    assert LogMessage("num_seqs has changed: the network starts with an empty state", "warning") in events


def test_defect_4_too_short_text_is_rejected_at_once(tmp_path):
    with pytest.raises(TextError, match=r"14 characters.*3 × 5 = 15.*lower num_seqs to 2"):
        learn(tmp_path, tiny(), ids=IDS[:14])


def test_short_text_trains_with_the_suggested_options(tmp_path):
    state, _ = learn(tmp_path, tiny(**SMALL, num_seqs=2, max_steps=2), ids=IDS[:14])
    assert state == ModelState.COMPLETED


class CallAtStep(keras.callbacks.Callback):
    """Call a function with the network at a step, and record the logs."""

    def __init__(self, step, function):
        super().__init__()
        self.step, self.function, self.logs = step, function, []

    def on_train_batch_end(self, batch, logs=None):
        self.logs.append(logs)
        if len(self.logs) == self.step:
            self.function(self.model)


def set_nan(network):
    network.output_bias.assign(np.full(CLASSES, np.nan))


def test_nan_loss_ends_the_training_and_names_the_options_to_change(tmp_path):
    options, events = tiny(**SMALL, save_every_n=2, max_steps=9), []
    with pytest.raises(TrainingFailed, match=r"loss became nan.*step 4.*Lower learning_rate \(now 0.01\).*grad_clip"):
        learn(tmp_path, options, emit=events.append, callbacks=[CallAtStep(3, set_nan)])
    assert saved(events, "last") == [2]  # nothing of the network with NaN is saved
    assert all(np.isfinite(w).all() for w in load(tmp_path / "last-2-1", with_training=False).weights.values())


def test_nan_validation_loss_ends_the_training(tmp_path):
    """NaN became the best loss, which cannot be stored as JSON, so the training ended with an obscure error."""
    options, events = tiny(**SMALL | {"val_fraction": 0.2}, eval_every_n=3, max_steps=9), []
    with pytest.raises(TrainingFailed, match=r"validation loss became nan at step 3: .*Lower learning_rate"):
        learn(tmp_path, options, emit=events.append, callbacks=[CallAtStep(3, set_nan)])
    assert not saved(events, "last") and not saved(events, "best")


def saturate(network):
    network.output_bias.assign([900, 0, 0, 0, 0, 0, 0])


def test_exploded_loss_ends_the_training_after_a_hundred_steps(tmp_path):
    options, events = tiny(**SMALL, learning_rate=1e-6, max_steps=300, save_every_n=200), []
    with pytest.raises(
        TrainingFailed, match=r"exploded.*above 3 × 1\.\d\d.* for 100 steps.*Lower learning_rate \(now 1e-06"
    ):
        learn(tmp_path, options, emit=events.append, callbacks=[CallAtStep(5, saturate)])
    assert max(values(events, "loss")) in (104, 105)


def test_exception_in_a_callback_loses_no_step(tmp_path):
    def give_up(network):
        raise ZeroDivisionError("my own mistake")

    events = []
    with pytest.raises(ZeroDivisionError, match="my own mistake"):
        learn(tmp_path, tiny(**SMALL), emit=events.append, callbacks=[CallAtStep(4, give_up)])
    assert saved(events, "last") == [4]
    assert load(tmp_path / "last-4-1", with_training=True).progress["step"] == 4


def test_max_epochs_completes_the_training(tmp_path):
    assert Streams(IDS, num_seqs=3, num_steps=4, seed=1).steps_per_epoch == 10
    state, events = learn(tmp_path, tiny(**SMALL, max_epochs=1.5, max_steps=1000))
    assert state == ModelState.COMPLETED and max(values(events, "loss")) == 15 and saved(events, "last") == [15]


def test_max_minutes_completes_the_training(tmp_path):
    started = time.monotonic()
    state, events = learn(tmp_path, tiny(**SMALL, max_minutes=0.0001, max_steps=1_000_000, lr_schedule="cosine"))
    # Compiling the first step takes longer than the limit.
    assert state == ModelState.COMPLETED and saved(events, "last") == [1]
    assert "the time limit of 0.0001 minutes is reached" in lines(events)
    assert load(tmp_path / "last-1-1", with_training=True).progress["seconds"] <= time.monotonic() - started


def test_patience_ends_the_training(tmp_path):
    options = tiny(**SMALL | {"val_fraction": 0.2}, learning_rate=1, eval_every_n=2, patience=2, max_steps=200)
    state, events = learn(tmp_path, options)
    losses = values(events, "val_loss")
    best, last = min(losses, key=losses.get), max(losses)
    assert state == ModelState.COMPLETED and last == best + 4 < 200
    assert saved(events, "best")[-1] == best and saved(events, "last") == [last]
    [message] = [line for line in lines(events) if line.startswith("stopped improving after")]
    assert message.endswith(f"best model at step {best}: no lower loss in 2 validations")


def test_best_checkpoint_has_the_validated_weights(tmp_path):
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


def test_log_starts_with_the_lines_of_the_article(stopped):
    first = lines(stopped[3])[:3]
    assert first == ["corpus size 131", "using 6 unique characters of this corpus:", str(list(VOCABULARY.characters))]


def test_learning_rate_follows_warm_up_and_schedule(tmp_path):
    options = tiny(**SMALL, lr_schedule="cosine", warmup_steps=2, max_steps=8, log_every_n=1, learning_rate=0.1)
    _, events = learn(tmp_path, options)
    fall = 0.02 + 0.98 * (1 + np.cos(np.pi * np.arange(8) / 8)) / 2
    expected = 0.1 * fall * [0.5, 1, 1, 1, 1, 1, 1, 1]
    np.testing.assert_allclose(list(values(events, "learning_rate").values()), expected, rtol=1e-6)


def test_training_without_validation_split_logs_it(tmp_path):
    options = checked("training", {"num_seqs": 3, "num_steps": 4, "lstm_size": 5, "max_steps": 1, "val_fraction": 0})
    _, events = learn(tmp_path, options)
    assert not values(events, "val_loss") and not saved(events, "best")
    assert re.search(r"131 characters for training in 10 steps per epoch, 0 for validation", "\n".join(lines(events)))
