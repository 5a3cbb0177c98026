"""Tests of trainings with Keras' and custom callbacks."""

import keras
import numpy as np
import pytest

from charrnn.core.records import ModelState
from charrnn.core.training_events import CheckpointSaved, LogMessage, MetricsMeasured
from charrnn.model.training.checkpoint import load
from tests.support.tiny_networks import learn, tiny

# Keras' convert_to_numpy, which callbacks use to read weights and learning rate, predates NumPy 2's `copy` argument.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

SMALL = {"cell": "rnn", "num_layers": 1, "val_fraction": 0, "eval_every_n": 2, "max_steps": 8, "log_every_n": 1}
VALIDATED = SMALL | {"val_fraction": 0.2}


class Recorder(keras.callbacks.Callback):
    """Record all calls and their arguments."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __getattribute__(self, name):
        if name.startswith("on_"):
            return lambda *arguments, **named: self.calls.append((name, *arguments, *named.values()))
        return super().__getattribute__(name)


def rates(events):
    return [e.values["learning_rate"] for e in events if isinstance(e, MetricsMeasured) and "learning_rate" in e.values]


def saved(events, kind):
    return [e for e in events if isinstance(e, CheckpointSaved) and e.kind == kind]


def test_callback_is_called_with_the_logs_of_fit(tmp_path):
    recorder = Recorder()
    learn(tmp_path, tiny(**VALIDATED | {"max_steps": 3}), callbacks=[recorder])
    names = [name for name, *_ in recorder.calls]
    batch, test = ["on_train_batch_begin", "on_train_batch_end"], ["on_test_begin", "on_test_end"]
    first = ["on_train_begin", "on_epoch_begin", *batch, *batch, *test, "on_epoch_end"]
    assert names == [*first, "on_epoch_begin", *batch, *test, "on_epoch_end", "on_train_end"]
    ends = [(arguments[0], sorted(arguments[1])) for name, *arguments in recorder.calls if name == "on_epoch_end"]
    assert ends == [(0, ["learning_rate", "loss", "val_loss"]), (1, ["learning_rate", "loss", "val_loss"])]
    steps = [
        (arguments[0], sorted(arguments[1])) for name, *arguments in recorder.calls if name == "on_train_batch_end"
    ]
    assert steps == [(n, ["grad_norm", "learning_rate", "loss"]) for n in (0, 1, 0)]


def test_epoch_loss_is_the_mean_of_its_steps(tmp_path):
    recorder = Recorder()
    learn(tmp_path, tiny(**SMALL | {"max_steps": 2}), callbacks=[recorder])
    losses = [arguments[1]["loss"] for name, *arguments in recorder.calls if name == "on_train_batch_end"]
    assert next(arguments[1]["loss"] for name, *arguments in recorder.calls if name == "on_epoch_end") == np.mean(
        losses
    )


def test_tensorboard_callback_works(tmp_path):
    learn(tmp_path, tiny(**VALIDATED), callbacks=[keras.callbacks.TensorBoard(tmp_path / "board")])
    for part in ("train", "validation"):
        (file,) = (tmp_path / "board" / part).glob("events.out.tfevents.*")
        assert b"epoch_loss" in file.read_bytes()


def test_csv_logger_history_and_model_checkpoint_work(tmp_path):
    table, weights, history = tmp_path / "log.csv", tmp_path / "best.weights.h5", keras.callbacks.History()
    checkpoint = keras.callbacks.ModelCheckpoint(weights, save_best_only=True, save_weights_only=True)
    learn(tmp_path, tiny(**VALIDATED), callbacks=[keras.callbacks.CSVLogger(table), history, checkpoint])
    assert table.read_text().splitlines()[0] == "epoch,learning_rate,loss,val_loss"
    assert len(table.read_text().splitlines()) == 1 + 4 == 1 + len(history.history["val_loss"])
    assert weights.stat().st_size > 0


def test_early_stopping_saves_the_restored_best_weights(tmp_path):
    stopping = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    options = tiny(**VALIDATED | {"learning_rate": 1, "max_steps": 100, "save_every_n": 2})
    state, events = learn(tmp_path, options, callbacks=[stopping])
    best, last = saved(events, "best")[-1], saved(events, "last")[-1]
    assert state == ModelState.STOPPED and last.step == best.step + 4 < 100
    assert LogMessage("a callback ended the training") in events
    one, two = (load(tmp_path / e.folder, with_training=False).weights for e in (best, last))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])


@pytest.mark.parametrize("save_every_n", [2, 3])
def test_training_with_callbacks_can_end_at_a_saved_step(tmp_path, save_every_n):
    """The last step was saved twice under the same name, and the training failed at its end."""
    options = tiny(**SMALL | {"max_steps": 6, "save_every_n": save_every_n})
    state, events = learn(tmp_path, options, callbacks=[keras.callbacks.History()])
    assert state == ModelState.COMPLETED
    assert [e.step for e in saved(events, "last")] == list(range(save_every_n, 7, save_every_n))


def test_reduce_lr_on_plateau_survives_a_resume(tmp_path):
    def plateau():
        return keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1, min_delta=1000)

    options = tiny(**SMALL, save_every_n=6, learning_rate=0.01)
    _, events = learn(tmp_path, options, callbacks=[plateau()])
    np.testing.assert_allclose(rates(events), [0.01, 0.01, 0.01, 0.01, 0.005, 0.005, 0.0025, 0.0025], rtol=1e-6)
    assert LogMessage("a callback set the learning rate to 0.005") in events
    _, events = learn(tmp_path, options, number=2, resume_from=tmp_path / "last-6-1")
    np.testing.assert_allclose(rates(events), [0.0025, 0.0025], rtol=1e-6)


def test_custom_schedule_can_start_at_zero(tmp_path):
    """A scheduled rate of zero caused a division by zero."""
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.02 * epoch)
    _, events = learn(tmp_path, tiny(**SMALL), callbacks=[schedule])
    np.testing.assert_allclose(rates(events), [0, 0, 0.02, 0.02, 0.04, 0.04, 0.06, 0.06], rtol=1e-6)


def test_callback_can_end_the_training_after_any_step(tmp_path):
    def end(batch, logs):
        stop.model.stop_training = True

    stop = keras.callbacks.LambdaCallback(on_train_batch_end=end)
    state, events = learn(tmp_path, tiny(**SMALL), callbacks=[stop])
    assert state == ModelState.STOPPED and [e.step for e in saved(events, "last")] == [1]
