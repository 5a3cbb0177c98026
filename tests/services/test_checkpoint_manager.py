"""Test which checkpoints are kept and selected."""

from datetime import datetime
from pathlib import Path

import pytest

from charrnn.core.errors import CheckpointError, NotFound
from charrnn.core.records import Checkpoint, Model
from charrnn.services.checkpoint_manager import CheckpointManager
from charrnn.store.corpora import CorpusStore
from charrnn.store.database import Database
from charrnn.store.history_batch import HistoryBatch
from charrnn.store.models import ModelStore
from charrnn.store.run_history import HistoryStore
from charrnn.store.training_leases import LeaseStore
from tests.support.small_training import corpus_record


@pytest.fixture
def model(database: Database) -> Model:
    """A model in training with three checkpoints of each kind: `last` at 10, 20, 30, `best` at 5, 15, 25."""
    CorpusStore(database).add(corpus_record())
    model = ModelStore(database).create("ducks", corpus_id=corpus_record().id, train_params={})
    LeaseStore(database).queue(model.id)
    claimed = LeaseStore(database).claim(model.id, "host:1:a", seconds=60)
    created = datetime(2024, 2, 29)
    rows = [
        Checkpoint(f"{kind}{step}", model.id, step, kind, step / 7, f"{kind}-{step}-1", 9, created)
        for kind, first in (("last", 10), ("best", 5))
        for step in range(first, first + 21, 10)
    ]
    batch = HistoryBatch(first_position=1, lines=[], metrics=[], samples=[], checkpoints=rows, step=30, best_loss=1.0)
    HistoryStore(database).append(model.id, claimed.epoch, batch, seconds=60)
    return claimed


@pytest.fixture
def checkpoints(database: Database, model: Model, tmp_path: Path) -> CheckpointManager:
    """The checkpoint folders of the model."""
    checkpoints = CheckpointManager(tmp_path, HistoryStore(database))
    for checkpoint in checkpoints.of(model.id):
        (checkpoints.folder(model.id) / checkpoint.folder).mkdir()
    return checkpoints


def test_two_last_and_one_best_checkpoint_are_kept(checkpoints: CheckpointManager, model: Model) -> None:
    checkpoints.prune(checkpoints.of(model.id)[0])
    assert [checkpoint.id for checkpoint in checkpoints.of(model.id)] == ["last30", "best25", "last20"]
    folders = sorted(folder.name for folder in checkpoints.folder(model.id).iterdir())
    assert folders == ["best-25-1", "last-20-1", "last-30-1"]


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        ("newest", ["last30", "best25", "last20", "best15", "last10", "best5"]),
        ("best", ["best25", "best15", "best5", "last30", "last20", "last10"]),
        ("last", ["last30", "last20", "last10", "best25", "best15", "best5"]),
        ("last20", ["last20"]),
    ],
)
def test_a_damaged_checkpoint_is_skipped(
    checkpoints: CheckpointManager, model: Model, kind: str, order: list[str]
) -> None:
    tried: list[str] = []

    def use(folder: Path) -> None:
        tried.append(folder.name.removesuffix("-1").replace("-", ""))
        raise CheckpointError(f"{folder.name} is damaged.")

    with pytest.raises(CheckpointError, match="No checkpoint of the model 'ducks' can be used"):
        checkpoints.first_usable(model, kind, use)
    assert tried == order


def test_reasons_for_skipping_checkpoints_are_returned(checkpoints: CheckpointManager, model: Model) -> None:
    def use(folder: Path) -> str:
        if folder.name == "last-30-1":
            raise CheckpointError("last-30-1 is damaged.")
        return folder.name

    used, result, problems = checkpoints.first_usable(model, "newest", use)
    assert (used.id, result, problems) == ("best25", "best-25-1", ["last-30-1 is damaged."])


def test_the_error_for_a_missing_checkpoint_states_when_the_first_one_is_saved(
    checkpoints: CheckpointManager, model: Model
) -> None:
    with pytest.raises(NotFound, match="save_every_n"):
        checkpoints.first_usable(model, "no such id", lambda folder: folder)


def test_checkpoints_replaced_during_the_search_are_searched_again(
    checkpoints: CheckpointManager, model: Model
) -> None:
    old = checkpoints.of(model.id)

    def use(folder: Path) -> str:
        if folder.name == "new":
            return folder.name
        if checkpoints.of(model.id) == old:
            row = Checkpoint("new", model.id, 31, "best", 1.0, "new", 9, datetime(2024, 3, 1))
            batch = HistoryBatch(
                first_position=1, lines=[], metrics=[], samples=[], checkpoints=[row], step=31, best_loss=1.0
            )
            checkpoints._history.append(model.id, model.epoch, batch, seconds=60)
        raise CheckpointError(f"{folder.name} is gone.")

    assert checkpoints.first_usable(model, "best", use)[1] == "new"
