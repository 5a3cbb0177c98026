"""Test starting, stopping, resuming and following trainings in this and other processes."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import keras
import pytest

from charrnn.core.cpu_info import cpu_name
from charrnn.core.errors import NameTaken, NotFound, OptionError, StateError, TextError
from charrnn.core.records import ModelState
from charrnn.core.training_events import CheckpointSaved, Event, TrainingEnded
from charrnn.services import Services, open_services
from tests.support.small_training import OPTIONS, TEXT, Trained

ENDLESS = OPTIONS | {"max_steps": 1_000_000, "eval_every_n": 1_000_000, "save_every_n": 1_000_000}


class At(keras.callbacks.Callback):
    """Call a function after a step."""

    def __init__(self, step: int, action):
        super().__init__()
        self._step, self._action, self._num_steps = step, action, 0

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        self._num_steps += 1
        if self._num_steps == self._step:
            self._action()


def test_train_and_generate_in_five_lines(services: Services) -> None:
    model = services.training.start(TEXT, name="ducks", options=OPTIONS)
    updates = list(services.training.follow(model.id))
    written = services.writing.write(model.id, {"start_string": "9 ", "max_length": 31})
    assert updates[-1].model.state == ModelState.COMPLETED
    assert len(written[0].text) == 31


def test_follow_returns_everything_once_and_in_order(trained: Trained) -> None:
    updates = list(trained.services.training.follow(trained.model.id))
    lines = [line for update in updates for line in update.lines]
    metrics = [(metric.step, metric.name) for update in updates for metric in update.metrics]
    samples = [sample.step for update in updates for sample in update.samples if not sample.by_user]
    assert [line.position for line in lines] == list(range(1, trained.model.log_position + 1))
    assert sorted(step for step, name in metrics if name == "loss") == list(range(1, 9))
    assert [step for step, name in metrics if name == "val_loss"] == [2, 4, 6, 8]
    assert samples == [6, 8]
    assert len(set(metrics)) == len(metrics)
    assert updates[-1].is_last


def test_follow_returns_late_metrics_of_a_running_training(services: Services) -> None:
    # A validation loss arrives seconds after the training loss of the same step, often in a later write.
    model = services.training.start(TEXT, options=OPTIONS)
    metrics = [metric for update in services.training.follow(model.id) for metric in update.metrics]
    assert sorted((m.step, m.name) for m in metrics) == sorted(
        (m.step, m.name) for m in services.models.metrics(model.id)
    )


def test_follow_after_a_line_omits_known_lines_and_samples(trained: Trained) -> None:
    (update,) = trained.services.training.follow(trained.model.id, after=trained.model.log_position - 2)
    assert [line.position for line in update.lines] == [trained.model.log_position - 1, trained.model.log_position]
    assert update.samples == []


def test_log_lines_of_steps_keep_the_format_of_the_article(trained: Trained) -> None:
    steps = [line.text for line in trained.services.models.lines(trained.model.id) if line.text.startswith("step:")]
    assert len(steps) == 2
    for text, step in zip(steps, (4, 8), strict=True):
        head, loss, seconds = text.split("...  ")
        assert head == f"step: {step}/8"
        assert float(loss.removeprefix("loss: ")) > 0
        assert float(seconds.removesuffix(" sec/batch")) > 0


def test_listeners_receive_every_event_and_the_end(services: Services) -> None:
    events: list[Event] = []
    model = services.training.start(TEXT, options=OPTIONS, listeners=[events.append])
    services.training.wait(model.id)
    assert [(event.step, event.kind) for event in events if isinstance(event, CheckpointSaved)][-1] == (8, "last")
    assert isinstance(events[-1], TrainingEnded)
    assert events[-1].state == ModelState.COMPLETED


def test_defect_6_stop_ends_after_the_current_step_and_saves_a_checkpoint(services: Services) -> None:
    model = services.training.start(TEXT, options=ENDLESS, callbacks=[At(3, lambda: services.training.stop(model.id))])
    ended = services.training.wait(model.id)
    assert (ended.state, ended.step) == (ModelState.STOPPED, 3)
    assert services.writing.write(model.id, {"max_length": 4})[0].text


def test_stop_reaches_a_training_of_another_process(services: Services) -> None:
    with open_services(services.settings.home, environ={}) as others:
        model = services.training.start(TEXT, options=ENDLESS)
        assert others.training.stop(model.id).state == ModelState.STOPPING
        assert services.training.wait(model.id).state == ModelState.STOPPED


def test_a_resumed_training_equals_one_that_was_never_stopped(services: Services, trained: Trained) -> None:
    model = services.training.start(TEXT, options=OPTIONS, callbacks=[At(3, lambda: services.training.stop(model.id))])
    assert services.training.wait(model.id).step == 3
    services.training.resume(model.id)
    ended = services.training.wait(model.id)

    def measured(in_services: Services, model_id: str) -> dict[int, dict[str, float]]:
        found = in_services.models.metrics(model_id, names=["loss", "val_loss"])
        return {(metric.step, metric.name): metric.value for metric in found}

    assert ended.state == ModelState.COMPLETED
    assert measured(services, model.id) == measured(trained.services, trained.model.id)


def test_a_training_that_resumes_on_another_cpu_logs_that_its_last_digits_may_differ(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = services.training.start(TEXT, name="ducks", options=OPTIONS)
    services.training.wait(model.id)
    services.training.resume(model.id, options={"max_steps": 2 * OPTIONS["max_steps"]})
    services.training.wait(model.id)
    monkeypatch.setattr("charrnn.services.training_thread.cpu_name", lambda: "Abacus, 1 core")
    services.training.resume(model.id, options={"max_steps": 3 * OPTIONS["max_steps"]})
    resumed = services.training.wait(model.id)
    assert resumed.cpu == "Abacus, 1 core"
    [warning] = [line.text for line in services.models.lines(model.id) if line.level == "warning"]
    assert warning.startswith(f"This training started on {cpu_name()} and resumes on Abacus, 1 core. Its results can")


def test_a_completed_training_resumes_with_more_steps(services: Services) -> None:
    model = services.training.start(TEXT, options=OPTIONS)
    services.training.wait(model.id)
    with pytest.raises(StateError, match="completed all 8 steps.*max_steps 16"):
        services.training.resume(model.id)
    with pytest.raises(StateError, match="completed all"):
        services.training.resume(model.id, options={"max_steps": 7})
    assert services.models.get(model.id).train_params["max_steps"] == 8
    services.training.resume(model.id, options={"max_steps": 11})
    assert services.training.wait(model.id).step == 11


def test_the_architecture_cannot_change_when_a_training_resumes(trained: Trained) -> None:
    with pytest.raises(OptionError) as caught:
        changes = {"lstm_size": 9, "optimizer": "adamw", "max_steps": 99}
        trained.services.training.resume(trained.model.id, options=changes)
    assert set(caught.value.problems) == {"lstm_size", "optimizer"}


def test_training_from_the_first_step_deletes_the_results_of_the_old_training(services: Services) -> None:
    model = services.training.start(TEXT, options=OPTIONS)
    before = services.training.wait(model.id)
    services.training.begin(model.id)
    after = services.training.wait(model.id)
    assert (before.epoch, after.epoch, after.step) == (1, 2, 8)
    losses = services.models.metrics(model.id, names=["loss"])
    assert [metric.step for metric in losses] == list(range(1, 9))
    assert all(folder.name.endswith("-2") for folder in services.settings.checkpoints.glob("*/*"))


def test_defect_9_a_killed_training_is_interrupted_and_can_be_resumed(services: Services, trained: Trained) -> None:
    script = f"""
import os, signal
from charrnn.services import open_services
from charrnn.core.training_events import MetricsMeasured
def kill(event):
    if isinstance(event, MetricsMeasured) and event.step == 7:
        os.kill(os.getpid(), signal.SIGKILL)
services = open_services({str(services.settings.home)!r}, environ={{}})
model = services.training.start({TEXT!r}, name="ducks", options={OPTIONS!r}, listeners=[kill])
services.training.wait(model.id)
"""
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    # Other processes see that its process has ended, without waiting for the lease to expire.
    (found,) = services.training.end_dead()
    assert (found.name, found.state) == ("ducks", ModelState.INTERRUPTED)
    assert "Resume" in (found.error or "")
    services.training.resume(found.id)
    assert services.training.wait(found.id).state == ModelState.COMPLETED
    expected = trained.services.models.metrics(trained.model.id, names=["loss", "val_loss"])
    resumed = services.models.metrics(found.id, names=["loss", "val_loss"])
    assert [(m.step, m.name, m.value) for m in resumed] == [(m.step, m.name, m.value) for m in expected]


def test_trainings_are_saved_and_interrupted_when_the_program_ends(tmp_path: Path) -> None:
    with open_services(tmp_path, environ={}) as services:
        started = threading.Event()
        model = services.training.start(TEXT, options=ENDLESS, callbacks=[At(2, started.set)])
        started.wait()
    with open_services(tmp_path, environ={}) as services:
        found = services.models.get(model.id)
        assert found.state == ModelState.INTERRUPTED
        assert found.step >= 2
        assert services.writing.write(model.id, {"max_length": 3})


def test_defect_5_a_failing_callback_fails_the_training_and_keeps_its_checkpoint(services: Services) -> None:
    def fail() -> None:
        raise ZeroDivisionError("no ducks left")

    model = services.training.start(TEXT, options=OPTIONS, callbacks=[At(3, fail)])
    ended = services.training.wait(model.id)
    assert ended.state == ModelState.FAILED
    assert "ZeroDivisionError: no ducks left" in (ended.error or "")
    errors = [line.text for line in services.models.lines(model.id) if line.level == "error"]
    assert any("Traceback" in text for text in errors)
    services.training.resume(model.id)
    assert services.training.wait(model.id).state == ModelState.COMPLETED


# Keras' convert_to_numpy, which the callback reads weights with, is older than NumPy 2's `copy`.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_the_tensorboard_callback_works(services: Services, tmp_path: Path) -> None:
    board = keras.callbacks.TensorBoard(tmp_path / "board", update_freq=1)
    model = services.training.start(TEXT, options=OPTIONS, callbacks=[board])
    assert services.training.wait(model.id).state == ModelState.COMPLETED
    assert list((tmp_path / "board").rglob("events.out.tfevents.*"))


def test_a_queued_training_stops_at_once(services: Services) -> None:
    corpus, _ = services.corpora.add(TEXT)
    model = services.models.create("waiting", corpus=corpus, options=OPTIONS)
    services.training.launcher.leases.queue(model.id)
    assert services.training.stop(model.id).state == ModelState.READY


def test_invalid_trainings_are_rejected_before_anything_is_created(services: Services, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="did you mean 'lstm_size'"):
        services.training.start(TEXT, options={"lstm_sise": 5})
    with pytest.raises(TextError, match="num_seqs.*num_steps"):
        services.training.start(TEXT, options={"num_seqs": 64, "num_steps": 200})
    with pytest.raises(NotFound, match="no file"):
        services.training.start(tmp_path / "missing.txt")
    assert services.models.all() == []


def test_a_name_cannot_be_used_twice(services: Services) -> None:
    services.models.create("ducks")
    with pytest.raises(NameTaken):
        services.training.start(TEXT, name="ducks", options=OPTIONS)


def test_a_model_without_text_or_checkpoint_cannot_be_trained_or_resumed(services: Services) -> None:
    model = services.models.create("empty")
    with pytest.raises(StateError, match="no text"):
        services.training.begin(model.id)
    with pytest.raises(StateError, match="no checkpoint"):
        services.training.resume(model.id)
    with pytest.raises(StateError, match="no training to stop"):
        services.training.stop(model.id)
