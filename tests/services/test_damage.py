"""A broken checkpoint is never used: the training goes on from the one before, and says so."""

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from charrnn.core.records import Checkpoint, Model, ModelState
from charrnn.services import open_services
from charrnn.store.run_history import HistoryStore
from tests.services.test_training import At
from tests.support.small_training import OPTIONS, TEXT, Trained
from tests.torture.damage import DAMAGES, flip


@dataclass(frozen=True)
class Stopped:
    """A data folder with a training that was stopped at step 7, and saved there and at step 6."""

    home: Path
    model: Model


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    """To be copied, not to be changed."""
    home = tmp_path_factory.mktemp("stopped")
    with open_services(home, environ={}) as services:
        stop = At(7, lambda: services.training.stop(model.id))
        model = services.training.start(TEXT, options=OPTIONS | {"save_every_n": 3}, callbacks=[stop])
        return Stopped(home, services.training.wait(model.id))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_gives_way_to_the_one_before_with_a_line_in_the_log(
    stopped: Stopped, trained: Trained, tmp_path: Path, damage: Callable[[Path, random.Random], None]
) -> None:
    model = stopped.model
    with open_services(shutil.copytree(stopped.home, tmp_path / "copy"), environ={}) as services:
        newest = services.models.checkpoints(model.id)[0]
        assert newest.folder == "last-7-1"
        damage(services.settings.checkpoints / model.id / newest.folder, random.Random(damage.__name__))
        services.training.resume(model.id)
        assert services.training.wait(model.id).state == ModelState.COMPLETED
        lines = services.models.lines(model.id)
        (warning,) = [line.text for line in lines if line.level == "warning" and "checkpoint" in line.text]
        assert "last-7-1" in warning
        assert "resumed at step 6" in [line.text for line in lines]
        resumed = services.models.metrics(model.id, names=["loss", "val_loss"])
    expected = trained.services.models.metrics(trained.model.id, names=["loss", "val_loss"])
    assert [(m.step, m.name, m.value) for m in resumed] == [(m.step, m.name, m.value) for m in expected]


def test_defect_the_line_about_a_damaged_checkpoint_is_stored_before_the_checkpoint_is_forgotten(
    stopped: Stopped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 29 that were damaged between kills, one was passed over in silence: the line was noted, not yet stored."""
    told: list[bool] = []
    rewind = HistoryStore.rewind

    def watched(history: HistoryStore, model_id: str, epoch: int, step: int) -> list[Checkpoint]:
        told.append(any("last-7-1" in line.text for line in history.lines(model_id)))
        return rewind(history, model_id, epoch, step)

    monkeypatch.setattr(HistoryStore, "rewind", watched)
    with open_services(shutil.copytree(stopped.home, tmp_path / "copy"), environ={}) as services:
        flip(services.settings.checkpoints / stopped.model.id / "last-7-1", random.Random(5))
        services.training.resume(stopped.model.id)
        services.training.wait(stopped.model.id)
    assert told == [True]


def test_defect_what_a_killed_training_saved_without_telling_is_removed_at_the_next_start(
    stopped: Stopped, tmp_path: Path
) -> None:
    """It stayed on the disk for ever: nothing names it, since the row comes after the folder."""
    model = stopped.model
    with open_services(shutil.copytree(stopped.home, tmp_path / "copy"), environ={}) as services:
        folder = services.settings.checkpoints / model.id
        for name in ("last-8-1", "best-8-1", "last-9-3", "notes"):
            (folder / name).mkdir()
        services.training.resume(model.id)
        services.training.wait(model.id)
        known = {checkpoint.folder for checkpoint in services.models.checkpoints(model.id)}
        assert {path.name for path in folder.iterdir()} == known | {"notes"}  # that is not the program's
        assert "last-8-4" in known
