"""Adopt sound checkpoint folders that the database does not know, where none of those that it knows can be used.

A folder is safe on the disk before its row is written. A database that loses its newest commits in a power failure, or
that was away until the training was killed, can therefore name only folders that are gone by now, while the newest ones
have no row. Their manifests say everything that the rows said.
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
from charrnn.services.checkpoint_manager import Checkpoints, parse_folder
from charrnn.services.process_identity import is_dead
from charrnn.store.model_rows import new_id
from charrnn.store.models import ModelStore
from charrnn.store.run_history import HistoryBatch, HistoryStore


@dataclass(frozen=True)
class Found:
    """A sound checkpoint folder without a row."""

    checkpoint: Checkpoint
    """The row that it lacks."""
    number: int
    """Number of the training that wrote it."""
    began: int
    """Number of the training that did the first step; 0 when unknown."""
    options: Mapping[str, Any]


class Recovery:
    """Adopts checkpoint folders of one data folder.

    Args:
        models: Knows which models there are.
        history: Knows the rows.
        checkpoints: Knows the folders.
    """

    def __init__(self, models: ModelStore, history: HistoryStore, checkpoints: Checkpoints):
        self._models, self._history, self._checkpoints = models, history, checkpoints

    def adopt_all(self) -> None:
        """Adopt for every model at rest whose known checkpoints are all gone; other models' files are not read."""
        known = self._history.checkpoint_folders()
        for model in self._models.list():
            rows = known.get(model.id, set())
            # a worker that only lost touch with the database may come back, with the rows that are missing
            at_rest = model.state not in ACTIVE and (not model.worker or is_dead(model.worker))
            paths = {path.name for path in self._checkpoints.folders(model.id)}
            if at_rest and not rows & paths and self._candidates(model, rows):
                self.adopt(model)

    def can_resume(self, model_id: str) -> bool:
        """Return whether a model has a checkpoint, or a folder without a row that may be one; reads only names."""
        known = self._history.checkpoints(model_id)
        return bool(known) or bool(self._candidates(self._models.get(model_id), set()))

    def adopt(self, model: Model) -> bool:
        """Adopt what a model's folder holds, if none of its known checkpoints can be used.

        The log says which part of the history is missing. A model in training is left alone.

        Returns:
            Whether something was adopted.
        """
        known = self._history.checkpoints(model.id)
        if model.state in ACTIVE or not self._candidates(model, {checkpoint.folder for checkpoint in known}):
            return False
        if any(_is_sound(self._checkpoints.path(checkpoint)) for checkpoint in known):
            return False
        found = self._sound(model, {checkpoint.folder for checkpoint in known})
        if not found:
            return False
        newest = max(found, key=lambda each: (each.began, each.checkpoint.step, each.number))
        same = [each.checkpoint for each in found if each.began == newest.began]
        # What the database still has may be of an earlier training, which this one replaced from its first step on.
        is_other = newest.began > model.epoch or any(_number(c.folder) < newest.began for c in known)
        reached = 0 if is_other else model.step
        batch = HistoryBatch(
            first_position=model.log_position + 1,
            lines=[(_told(newest.checkpoint, known, reached), "warning")],
            metrics=[Metric(c.step, "val_loss", c.loss) for c in same if c.kind == "best" and c.loss is not None],
            checkpoints=same,
            step=newest.checkpoint.step,
        )
        # where it lost even the claim of the training, it lost that training's options, too
        options = newest.options if newest.number > model.epoch else None
        return self._history.adopt(model, batch, reached=min(reached, newest.checkpoint.step), options=options)

    def _candidates(self, model: Model, known: set[str]) -> list[Path]:
        """Return the folders without a row that may be of the model's present training.

        A training that begins anew forgets the rows of earlier ones, and is the first that may have written a folder:
        without rows that is the model's epoch, otherwise the lowest number among them.
        """
        first = min(map(_number, known), default=model.epoch)
        return [
            path
            for path in self._checkpoints.folders(model.id)
            if path.name not in known and _number(path.name) >= first
        ]

    def _sound(self, model: Model, known: set[str]) -> list[Found]:
        sound = []
        for path in self._candidates(model, known):
            try:
                sound.append(_read(path, model.id))
            except (CheckpointError, KeyError, TypeError, ValueError, AttributeError, OSError):
                continue  # not usable; it stays where it is
        return sound


def _read(path: Path, model_id: str) -> Found:
    manifest = verify(path)
    kind, step, number = parse_folder(path.name) or ("last", 0, 0)
    progress = manifest["progress"]
    if progress["step"] != step:
        raise ValueError(f"{path.name} holds a checkpoint of step {progress['step']}")
    size = sum(file.stat().st_size for file in path.iterdir())
    saved = datetime.fromtimestamp((path / MANIFEST).stat().st_mtime, UTC).replace(tzinfo=None)
    row = Checkpoint(new_id(), model_id, step, kind, progress["newest_loss"], path.name, size, saved)
    return Found(row, number, int(progress.get("began", 0)), checked("training", manifest["options"]))


def _is_sound(path: Path) -> bool:
    try:
        verify(path)
    except CheckpointError:
        return False
    return True


def _number(folder: str) -> int:
    parts = parse_folder(folder)
    return parts[2] if parts else 0


def _told(newest: Checkpoint, known: Iterable[Checkpoint], reached: int) -> str:
    gone = ", ".join(sorted({checkpoint.folder for checkpoint in known}))
    lost = f"none of the checkpoints that it lists can be used ({gone})" if gone else "it lists no checkpoint"
    missing = f"Log lines, values and samples of steps {reached:,} to {newest.step:,} may be missing. "
    return (
        f"The database lost a part of this training, as after a power failure: {lost}. The checkpoint {newest.folder} "
        f"was found on the disk and is used instead. {missing if reached <= newest.step else ''}"
        f"Resume the training; it continues from step {newest.step:,}."
    )
