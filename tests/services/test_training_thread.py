"""Test how errors of a training are reported."""

import threading

import numpy as np
import pytest

from charrnn.core.errors import NotFound, StoreError, StoreUnavailable, StudioError
from charrnn.core.records import ModelState
from charrnn.core.training_events import Event, LogMessage, MetricsMeasured, TrainingEnded
from charrnn.core.vocabulary import Vocabulary
from charrnn.services import Services
from charrnn.services.training_request import TrainingRequest
from charrnn.services.training_thread import TrainingThread
from tests.support.small_training import OPTIONS, TEXT


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "ran out of memory. Lower num_seqs"),
        (StudioError("The disk of /data is full."), "The disk of /data is full."),
        (SystemExit(3), "SystemExit: 3"),
        (RuntimeError("ducks\nin a row"), "RuntimeError: ducks. See the log for details"),
    ],
)
def test_an_error_fails_the_training_with_a_message(services: Services, error: Exception, message: str) -> None:
    corpus, _ = services.corpora.add(TEXT)
    model = services.models.create("ducks", corpus=corpus, options=OPTIONS)
    launcher = services.training.launcher
    queued = launcher.leases.queue(model.id)

    def load() -> tuple[np.ndarray, Vocabulary]:
        raise error

    request = TrainingRequest(corpus, OPTIONS)
    thread = TrainingThread(queued, request, load, launcher.leases, launcher.history, launcher.checkpoints)
    assert thread.join(timeout=120)
    ended = services.models.get(model.id)
    assert ended.state == ModelState.FAILED
    assert message in (ended.error or "")
    assert message in services.models.lines(model.id)[-1].text


def test_a_training_fails_with_the_reason_when_its_events_cannot_be_stored(services: Services, monkeypatch) -> None:
    def raising(*args, **kwargs):
        raise RuntimeError("a defect in the store")

    corpus, _ = services.corpora.add(TEXT)
    model = services.models.create("ducks", corpus=corpus, options=OPTIONS)
    monkeypatch.setattr(services.training.launcher.history, "append", raising)
    monkeypatch.setattr("threading.excepthook", lambda args: None)
    services.training.begin(model.id)
    ended = services.training.wait(model.id, timeout=120)
    assert ended.state == ModelState.FAILED
    assert "a defect in the store" in (ended.error or "")


def test_a_failing_listener_fails_the_training_and_wait_returns(services: Services) -> None:
    events: list[Event] = []

    def fail(event: Event) -> None:
        if not isinstance(event, LogMessage):
            raise ZeroDivisionError(f"a listener's own mistake at {event}")

    model = services.training.start(TEXT, name="ducks", options=OPTIONS, listeners=[fail, events.append])
    ended = services.training.wait(model.id, timeout=120)
    assert ended.state == ModelState.FAILED
    assert "a listener's own mistake" in (ended.error or "")
    assert isinstance(events[-1], TrainingEnded)


def raising(error: Exception):
    def work(*args, **kwargs):
        raise error

    return work


def test_defect_listeners_receive_the_end_even_if_it_cannot_be_stored(services: Services, monkeypatch) -> None:
    """The thread used to die, and the command line waited forever."""
    events: list[Event] = []
    monkeypatch.setattr("charrnn.services.training_thread.RETRY_SECONDS", 0.1)
    monkeypatch.setattr(services.training.launcher.leases, "finish", raising(StoreUnavailable("The server is gone.")))
    model = services.training.start(TEXT, options=OPTIONS, listeners=[events.append])
    assert services.training.launcher.thread(model.id).join(timeout=120)
    waits, end = events[-2:]
    assert isinstance(waits, LogMessage) and "The server is gone. Retrying for" in waits.text
    assert isinstance(end, TrainingEnded) and end.state == ModelState.INTERRUPTED
    assert (
        "The end of the training could not be stored; it will be shown as interrupted and can be resumed."
        in end.message
    )


def test_defect_permanent_database_errors_are_not_retried(services: Services, monkeypatch) -> None:
    """A revoked database privilege used to delay the end of a training by twenty minutes."""
    error = StoreError("The user 'ann' lacks a privilege.")
    monkeypatch.setattr(services.training.launcher.history, "append", raising(error))
    model = services.training.start(TEXT, options=OPTIONS)
    ended = services.training.wait(model.id, timeout=120)
    assert (ended.state, ended.error) == (ModelState.FAILED, str(error))


def test_a_program_that_shuts_down_does_not_wait_long_for_the_database(services: Services, monkeypatch) -> None:
    events: list[Event] = []
    monkeypatch.setattr("charrnn.services.training_thread.SHUTDOWN_RETRY_SECONDS", 0.1)
    started = threading.Event()

    def listen(event: Event) -> None:
        events.append(event)
        if isinstance(event, MetricsMeasured):
            started.set()

    endless = OPTIONS | {"max_steps": 1_000_000, "eval_every_n": 1_000_000, "save_every_n": 1_000_000}
    model = services.training.start(TEXT, options=endless, listeners=[listen])
    started.wait()
    monkeypatch.setattr(services.training.launcher.history, "append", raising(StoreUnavailable("The server is gone.")))
    services.training.interrupt(model.id)
    assert services.training.launcher.thread(model.id).join(timeout=120)
    assert isinstance(events[-1], TrainingEnded) and "The server is gone." in events[-1].message


def test_purging_a_model_ends_its_training(services: Services, monkeypatch) -> None:
    events: list[Event] = []
    monkeypatch.setattr(services.training.launcher.history, "append", raising(NotFound("There is no such model.")))
    model = services.training.start(TEXT, options=OPTIONS, listeners=[events.append])
    services.training.launcher.thread(model.id).join(120)
    assert isinstance(events[-1], TrainingEnded)
    assert (events[-1].state, events[-1].message) == (ModelState.INTERRUPTED, "There is no such model.")


def test_defect_a_training_of_this_process_stops_while_the_database_is_unavailable(
    services: Services, monkeypatch
) -> None:
    started = threading.Event()

    def listen(event: Event) -> None:
        if isinstance(event, MetricsMeasured):
            started.set()

    model = services.training.start(TEXT, options=OPTIONS | {"max_steps": 1_000_000}, listeners=[listen])
    started.wait()
    with monkeypatch.context() as unavailable:
        unavailable.setattr(
            services.training.launcher.leases, "request_stop", raising(StoreUnavailable("The server is gone."))
        )
        with pytest.raises(StoreUnavailable):
            services.training.stop(model.id)
    assert services.training.wait(model.id, timeout=120).state == ModelState.STOPPED
