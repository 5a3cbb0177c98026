"""Provide fixtures of the store: a corpus, a ready model and a model in training."""

from datetime import datetime

import pytest

from charrnn.core.records import Checkpoint, Corpus, Model, Sample
from charrnn.store.corpora import CorpusStore
from charrnn.store.database import Database
from charrnn.store.models import ModelStore
from charrnn.store.run_history import HistoryBatch, HistoryStore
from charrnn.store.training_leases import LeaseStore

HAMLET = Corpus("ab" * 32, "hamlet.txt", 13, 11, 7, 2, "utf-8", "lf", datetime(2026, 1, 2, 3, 4, 5, 678901))


WHEN = datetime(2026, 1, 2, 3, 4, 5, 678901)


def log_batch(*texts, first):
    return HistoryBatch(first_position=first, lines=[(text, "info") for text in texts])


def checkpoint(model, step, kind="last", loss=1.5):
    return Checkpoint(f"{kind}-{step}", model.id, step, kind, loss, f"step-{step}", 7, WHEN)


def sample(model, step, identity="s"):
    return Sample(identity, model.id, step, "To be 😀", {"temperature": 0.5}, WHEN)


@pytest.fixture
def corpus(database: Database) -> Corpus:
    """Return a corpus of 11 characters."""
    return CorpusStore(database).add(HAMLET)


@pytest.fixture
def models(database: Database) -> ModelStore:
    return ModelStore(database)


@pytest.fixture
def leases(database: Database) -> LeaseStore:
    return LeaseStore(database)


@pytest.fixture
def history(database: Database) -> HistoryStore:
    return HistoryStore(database)


@pytest.fixture
def ready(models: ModelStore, corpus: Corpus) -> Model:
    """Return a model that has a corpus and was never trained."""
    return models.create("hamlet", corpus_id=corpus.id)


@pytest.fixture
def training(ready: Model, leases: LeaseStore) -> Model:
    """Return a model in its first training, with a lease of an hour."""
    leases.queue(ready.id)
    return leases.claim(ready.id, "host:1:token", seconds=3600)


@pytest.fixture
def append(history, training):
    """Return a function that appends a batch to the history of the model in training."""
    return lambda batch, epoch=1: history.append(training.id, epoch, batch, seconds=60)
