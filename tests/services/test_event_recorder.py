"""Test that events are stored once and in order, even if the database was unavailable."""

import pytest

from charrnn.core.errors import LeaseLost, StoreError
from charrnn.core.records import Checkpoint, Model
from charrnn.core.training_events import (
    CheckpointSaved,
    LogMessage,
    MetricsMeasured,
    SampleGenerated,
    SchedulePlanned,
)
from charrnn.services.event_recorder import EventRecorder
from charrnn.store.corpora import CorpusStore
from charrnn.store.database import Database
from charrnn.store.models import ModelStore
from charrnn.store.run_history import HistoryStore
from charrnn.store.training_leases import LeaseStore
from tests.support.small_training import corpus_record


@pytest.fixture
def claimed(database: Database) -> Model:
    """A model in training."""
    CorpusStore(database).add(corpus_record())
    model = ModelStore(database).create("ducks", corpus_id=corpus_record().id, train_params={})
    LeaseStore(database).queue(model.id)
    return LeaseStore(database).claim(model.id, "host:1:a", seconds=60)


class _UnavailableAtFirst(HistoryStore):
    """A store whose database is unreachable first, then stores a batch without confirming it, then works."""

    def __init__(self, database: Database):
        super().__init__(database)
        self.calls = 0

    def append(self, *args, **kwargs) -> bool:
        self.calls += 1
        if self.calls == 1:
            raise StoreError("unavailable")
        if self.calls == 2:
            super().append(*args, **kwargs)
            raise StoreError("unavailable before the confirmation")
        return super().append(*args, **kwargs)


def _recorder(history: HistoryStore, model: Model, saved: list[Checkpoint], stops: list[str]) -> EventRecorder:
    return EventRecorder(history, model, on_stop_request=lambda: stops.append("stop"), on_saved=saved.append)


def test_events_are_stored_as_rows(database: Database, claimed: Model) -> None:
    history, saved = HistoryStore(database), []
    recorder = _recorder(history, claimed, saved, [])
    recorder.record(LogMessage("first\nsecond", "warning"))
    recorder.record(LogMessage(""))
    recorder.record(MetricsMeasured(1, {"loss": 3.5}))
    recorder.record(MetricsMeasured(2, {"loss": 3.25, "val_loss": 3.75}))
    recorder.record(SampleGenerated(2, "quack", {"seed": 5}))
    recorder.record(CheckpointSaved(2, "best", 3.75, "best-2-1", 321))
    recorder.close()
    lines = history.lines(claimed.id)
    assert [(line.position, line.text, line.level) for line in lines] == [
        (1, "first", "warning"),
        (2, "second", "warning"),
        (3, "", "info"),
    ]
    assert [(m.step, m.name, m.value) for m in history.metrics(claimed.id)] == [
        (1, "loss", 3.5),
        (2, "loss", 3.25),
        (2, "val_loss", 3.75),
    ]
    assert [(sample.step, sample.text) for sample in history.samples(claimed.id)] == [(2, "quack")]
    assert [checkpoint.folder for checkpoint in saved] == ["best-2-1"]
    found = ModelStore(database).get(claimed.id)
    assert (found.step, found.best_loss, found.log_position) == (2, 3.75, 3)


def test_events_recorded_while_the_database_was_unavailable_are_stored_once_and_in_order(
    database: Database, claimed: Model
) -> None:
    history = _UnavailableAtFirst(database)
    recorder = _recorder(history, claimed, [], [])
    for number in range(7):
        recorder.record(LogMessage(f"line {number}"))
        if number < 2:
            with pytest.raises(StoreError):
                recorder.deliver()
    recorder.close()
    assert [line.text for line in history.lines(claimed.id)] == [f"line {number}" for number in range(7)]


def test_the_best_loss_is_the_lowest_training_loss_without_validation(database: Database) -> None:
    CorpusStore(database).add(corpus_record())
    model = ModelStore(database).create("geese", corpus_id=corpus_record().id, train_params={"val_fraction": 0.0})
    LeaseStore(database).queue(model.id)
    model = LeaseStore(database).claim(model.id, "host:1:a", seconds=60)
    recorder = _recorder(HistoryStore(database), model, [], [])
    for step, loss in enumerate([3.5, 2.25, 2.75], start=1):
        recorder.record(MetricsMeasured(step, {"loss": loss}))
    recorder.close()
    assert ModelStore(database).get(model.id).best_loss == 2.25


def test_a_stop_request_is_received_with_the_next_write(database: Database, claimed: Model) -> None:
    stops: list[str] = []
    recorder = _recorder(HistoryStore(database), claimed, [], stops)
    LeaseStore(database).request_stop(claimed.id)
    recorder.close()
    assert stops


def test_a_worker_that_lost_its_lease_writes_nothing(database: Database, claimed: Model) -> None:
    history = HistoryStore(database)
    recorder = _recorder(history, claimed, [], [])
    LeaseStore(database).interrupt(claimed.id, claimed.epoch)
    recorder.record(LogMessage("too late"))
    with pytest.raises(LeaseLost):
        recorder.close()
    assert history.lines(claimed.id) == []


def test_the_fitted_end_of_a_schedule_is_stored_as_max_steps(database: Database, claimed: Model) -> None:
    recorder = _recorder(HistoryStore(database), claimed, [], [])
    recorder.record(SchedulePlanned(3, 1830))
    recorder.close()
    assert ModelStore(database).get(claimed.id).train_params == {"max_steps": 1830}
