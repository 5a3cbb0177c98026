"""Adopt valid checkpoint folders without a row if none of a model's listed checkpoints can be used.

A checkpoint folder is written before its row. If the database loses its newest commits in a power failure, or was
unavailable until the training was killed, its rows can refer to folders that have been pruned while the newest folders
have no row. The manifests of these folders contain everything that their rows would contain.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from charrnn.core.checkpoint_manifest import MANIFEST, verify
from charrnn.core.errors import CheckpointError
from charrnn.core.options import checked
from charrnn.core.records import ACTIVE, Checkpoint, Metric, Model
from charrnn.services.checkpoint_manager import CheckpointManager, parse_folder
from charrnn.services.process_identity import is_dead
from charrnn.store.models import ModelStore
from charrnn.store.row_conversion import new_id
from charrnn.store.run_history import HistoryBatch, HistoryStore


@dataclass(frozen=True)
class FoundCheckpoint:
    """A valid checkpoint folder without a row."""

    checkpoint: Checkpoint
    """The missing row."""
    number: int
    """Number of the training that wrote it."""
    began: int
    """Number of the training that started at the first step; 0 if unknown."""
    options: Mapping[str, Any]


class CheckpointRecovery:
    """Adopt checkpoint folders of one data folder.

    Args:
        models: Stores the models.
        history: Stores the checkpoint rows.
        checkpoints: Stores the checkpoint folders.
    """

    def __init__(self, models: ModelStore, history: HistoryStore, checkpoints: CheckpointManager):
        self._models, self._history, self._checkpoints = models, history, checkpoints

    def adopt_all(self) -> None:
        """Adopt the folders of all idle models whose listed checkpoints are missing; read no files of other models."""
        known = self._history.checkpoint_folders()
        for model in self._models.list():
            rows = known.get(model.id, set())
            # A worker that only lost its database connection may reconnect and write the missing rows.
            is_idle = model.state not in ACTIVE and (not model.worker or is_dead(model.worker))
            paths = {path.name for path in self._checkpoints.folders(model.id)}
            if is_idle and not rows & paths and self._candidates(model, rows):
                self.adopt(model)

    def can_resume(self, model_id: str) -> bool:
        """Return whether a model has a checkpoint row or a folder that may be adopted, going by names only."""
        known = self._history.checkpoints(model_id)
        return bool(known) or bool(self._candidates(self._models.get(model_id), set()))

    def adopt(self, model: Model) -> bool:
        """Adopt the checkpoint folders of a model if none of its listed checkpoints can be used.

        A line in the model's log says which part of the history is missing. Models in training are left alone.

        Returns:
            Whether a folder was adopted.
        """
        known = self._history.checkpoints(model.id)
        if model.state in ACTIVE or not self._candidates(model, {checkpoint.folder for checkpoint in known}):
            return False
        if any(_is_valid(self._checkpoints.path(checkpoint)) for checkpoint in known):
            return False
        found = self._valid_checkpoints(model, {checkpoint.folder for checkpoint in known})
        if not found:
            return False
        newest = max(found, key=lambda folder: (folder.began, folder.checkpoint.step, folder.number))
        checkpoints = [folder.checkpoint for folder in found if folder.began == newest.began]
        # The rows may belong to an earlier training that this one replaced from its first step on.
        is_other_training = newest.began > model.epoch or any(_number(c.folder) < newest.began for c in known)
        last_step = 0 if is_other_training else model.step
        batch = HistoryBatch(
            first_position=model.log_position + 1,
            lines=[(_explanation(newest.checkpoint, known, last_step), "warning")],
            metrics=[
                Metric(c.step, "val_loss", c.loss) for c in checkpoints if c.kind == "best" and c.loss is not None
            ],
            checkpoints=checkpoints,
            step=newest.checkpoint.step,
        )
        # If the database also lost the claim of this training, it has lost its options as well.
        options = newest.options if newest.number > model.epoch else None
        return self._history.adopt(model, batch, reached=min(last_step, newest.checkpoint.step), options=options)

    def _candidates(self, model: Model, known: set[str]) -> list[Path]:
        """Return the folders without a row that may belong to the model's current training.

        A training from the first step deletes the rows of earlier ones. Only that training and those that resumed it
        are candidates: those numbered from the lowest number among the rows, or from the model's epoch without rows.
        """
        first = min(map(_number, known), default=model.epoch)
        return [
            path
            for path in self._checkpoints.folders(model.id)
            if path.name not in known and _number(path.name) >= first
        ]

    def _valid_checkpoints(self, model: Model, known: set[str]) -> list[FoundCheckpoint]:
        valid = []
        for path in self._candidates(model, known):
            try:
                valid.append(_read(path, model.id))
            except (CheckpointError, KeyError, TypeError, ValueError, AttributeError, OSError):
                continue  # not usable, but kept on the disk
        return valid


def _read(path: Path, model_id: str) -> FoundCheckpoint:
    manifest = verify(path)
    kind, step, number = parse_folder(path.name) or ("last", 0, 0)
    progress = manifest["progress"]
    if progress["step"] != step:
        raise ValueError(f"{path.name} holds a checkpoint of step {progress['step']}")
    size = sum(file.stat().st_size for file in path.iterdir())
    saved = datetime.fromtimestamp((path / MANIFEST).stat().st_mtime, UTC).replace(tzinfo=None)
    row = Checkpoint(new_id(), model_id, step, kind, progress["newest_loss"], path.name, size, saved)
    return FoundCheckpoint(row, number, int(progress.get("began", 0)), checked("training", manifest["options"]))


def _is_valid(path: Path) -> bool:
    try:
        verify(path)
    except CheckpointError:
        return False
    return True


def _number(folder: str) -> int:
    parts = parse_folder(folder)
    return parts[2] if parts else 0


def _explanation(newest: Checkpoint, known: Iterable[Checkpoint], last_step: int) -> str:
    folders = ", ".join(sorted({checkpoint.folder for checkpoint in known}))
    problem = f"none of its listed checkpoints can be used ({folders})" if folders else "it lists no checkpoint"
    missing = f"Log lines, metrics and samples of steps {last_step:,} to {newest.step:,} may be missing. "
    return (
        f"The database lost part of this training, for example in a power failure: {problem}. The checkpoint "
        f"{newest.folder} was found on the disk and is used instead. {missing if last_step <= newest.step else ''}"
        f"Resume the training to continue from step {newest.step:,}."
    )
