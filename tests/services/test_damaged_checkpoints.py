"""Test that a damaged checkpoint is skipped with a warning and the training resumes from an older one."""

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
from tests.torture.checkpoint_damage import DAMAGES, flip_bit


@dataclass(frozen=True)
class Stopped:
    """A data folder with a training stopped at step 7, with checkpoints of steps 6 and 7."""

    home: Path
    model: Model


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    """Tests must copy it, not change it."""
    home = tmp_path_factory.mktemp("stopped")
    with open_services(home, environ={}) as services:
        stop = At(7, lambda: services.training.stop(model.id))
        model = services.training.start(TEXT, options=OPTIONS | {"save_every_n": 3}, callbacks=[stop])
        return Stopped(home, services.training.wait(model.id))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_skipped_with_a_log_line(
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


def test_defect_the_warning_about_a_damaged_checkpoint_is_stored_before_the_checkpoint_is_deleted(
    stopped: Stopped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The warning could be lost if the training was killed, because it was recorded but not stored yet."""
    was_stored: list[bool] = []
    rewind = HistoryStore.rewind

    def watched(history: HistoryStore, model_id: str, epoch: int, step: int) -> list[Checkpoint]:
        was_stored.append(any("last-7-1" in line.text for line in history.lines(model_id)))
        return rewind(history, model_id, epoch, step)

    monkeypatch.setattr(HistoryStore, "rewind", watched)
    with open_services(shutil.copytree(stopped.home, tmp_path / "copy"), environ={}) as services:
        flip_bit(services.settings.checkpoints / stopped.model.id / "last-7-1", random.Random(5))
        services.training.resume(stopped.model.id)
        services.training.wait(stopped.model.id)
    assert was_stored == [True]


def test_defect_checkpoints_of_a_killed_training_without_a_row_are_removed_by_the_next_training(
    stopped: Stopped, tmp_path: Path
) -> None:
    """They used to stay forever, because a row is written after its folder."""
    model = stopped.model
    with open_services(shutil.copytree(stopped.home, tmp_path / "copy"), environ={}) as services:
        folder = services.settings.checkpoints / model.id
        for name in ("last-8-1", "best-8-1", "last-9-3", "notes"):
            (folder / name).mkdir()
        services.training.resume(model.id)
        services.training.wait(model.id)
        known = {checkpoint.folder for checkpoint in services.models.checkpoints(model.id)}
        assert {path.name for path in folder.iterdir()} == known | {"notes"}  # not created by the program
        assert "last-8-4" in known
