"""How errors of a training are told to its user."""

import numpy as np
import pytest

from charrnn.core.errors import StudioError
from charrnn.core.events import Ended, Event, Said
from charrnn.core.records import ModelState
from charrnn.core.vocabulary import Vocabulary
from charrnn.services import Services
from charrnn.services.worker import Task, Worker
from tests.services.conftest import OPTIONS, TEXT


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "ran out of memory. Lower num_seqs"),
        (StudioError("The disk of /data is full."), "The disk of /data is full."),
        (SystemExit(3), "SystemExit: 3"),
        (RuntimeError("ducks\nin a row"), "RuntimeError: ducks. The log holds the whole of it."),
    ],
)
def test_an_error_fails_the_training_with_a_message(services: Services, error: Exception, told: str) -> None:
    corpus, _ = services.corpora.add(TEXT)
    model = services.models.create("ducks", corpus=corpus, options=OPTIONS)
    training = services.training
    training._leases.queue(model.id)

    def load() -> tuple[np.ndarray, Vocabulary]:
        raise error

    worker = Worker(Task(model.id, load, OPTIONS, False), training._leases, training._history, training._checkpoints)
    assert worker.join(timeout=120)
    ended = services.models.get(model.id)
    assert ended.state == ModelState.FAILED
    assert told in (ended.error or "")
    assert told in services.models.lines(model.id)[-1].text


def test_what_cannot_be_stored_fails_the_training_and_says_why(services: Services, monkeypatch) -> None:
    def refuse(*args, **kwargs):
        raise RuntimeError("a defect in the store")

    corpus, _ = services.corpora.add(TEXT)
    model = services.models.create("ducks", corpus=corpus, options=OPTIONS)
    monkeypatch.setattr(services.training._history, "append", refuse)
    monkeypatch.setattr("threading.excepthook", lambda args: None)
    services.training.begin(model.id)
    ended = services.training.wait(model.id, timeout=120)
    assert ended.state == ModelState.FAILED
    assert "a defect in the store" in (ended.error or "")


def test_a_listener_that_fails_ends_the_training_and_nobody_waits_for_ever(services: Services) -> None:
    heard: list[Event] = []

    def fail(event: Event) -> None:
        if not isinstance(event, Said):
            raise ZeroDivisionError(f"a listener's own mistake at {event}")

    model = services.training.start(TEXT, name="ducks", options=OPTIONS, listeners=[fail, heard.append])
    ended = services.training.wait(model.id, timeout=120)
    assert ended.state == ModelState.FAILED
    assert "a listener's own mistake" in (ended.error or "")
    assert isinstance(heard[-1], Ended)
