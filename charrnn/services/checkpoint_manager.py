"""Locate, select and prune the checkpoints of models."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from charrnn.core.atomic_files import discard, make_folder
from charrnn.core.errors import CheckpointError, NotFound
from charrnn.core.records import Checkpoint, Model
from charrnn.store.run_history import HistoryStore

KEPT = {"last": 2, "best": 1}
"""Number of checkpoints kept of each kind; the older `last` is a fallback for a damaged newer one."""

_NAME = re.compile(r"(last|best)-(\d{1,18})-(\d{1,9})", re.ASCII)


def parse_folder(name: str) -> tuple[str, int, int] | None:
    """Return kind, step and training number from the name of a checkpoint folder; `None` for other names."""
    match = _NAME.fullmatch(name)
    return (match[1], int(match[2]), int(match[3])) if match else None


class CheckpointManager:
    """The checkpoints of all models.

    Args:
        root: Folder `checkpoints/` of the data folder, with one subfolder per model id.
        history: Stores the rows.
    """

    def __init__(self, root: Path, history: HistoryStore):
        self._root, self._history = root, history

    def folder(self, model_id: str) -> Path:
        """Return a model's checkpoint folder; create it if missing."""
        folder = self._root / model_id
        make_folder(folder)
        return folder

    def folders(self, model_id: str) -> list[Path]:
        """Return all checkpoint folders of a model, with or without a row."""
        folder = self._root / model_id
        return [path for path in folder.iterdir() if parse_folder(path.name)] if folder.is_dir() else []

    def highest_number(self, model_id: str) -> int:
        """Return the highest training number among a model's checkpoint folders, or 0."""
        return max((name[2] for path in self.folders(model_id) if (name := parse_folder(path.name))), default=0)

    def path(self, checkpoint: Checkpoint) -> Path:
        """Return the folder of a checkpoint."""
        return self._root / checkpoint.model_id / checkpoint.folder

    def of(self, model_id: str) -> list[Checkpoint]:
        """Return a model's checkpoints, newest first."""
        return sorted(self._history.checkpoints(model_id), key=lambda c: (c.step, c.created_at), reverse=True)

    def first_usable[T](self, model: Model, kind: str, use: Callable[[Path], T]) -> tuple[Checkpoint, T, list[str]]:
        """Use the newest valid checkpoint of a kind, or of any kind if there is none.

        Args:
            model: The model.
            kind: `newest`, `last` or `best`, or the id of a checkpoint.
            use: Called with one checkpoint folder after another until it raises no CheckpointError.

        Returns:
            The checkpoint, the result of `use`, and the reasons why other checkpoints were skipped.

        Raises:
            NotFound: The model has no checkpoint, or none with that id.
            CheckpointError: No checkpoint is valid.
        """
        while True:
            known = self.of(model.id)
            if kind not in {*KEPT, "newest"}:
                known = [checkpoint for checkpoint in known if checkpoint.id == kind]
            if not known:
                raise NotFound(
                    f"The model {model.name!r} has no checkpoint yet. Train it until the first one is saved: every "
                    f"save_every_n steps, at the end, and when the training is stopped."
                )
            problems: list[str] = []
            for checkpoint in sorted(known, key=lambda c: c.kind != kind):
                try:
                    return checkpoint, use(self.path(checkpoint)), problems
                except CheckpointError as error:
                    problems.append(str(error))
            # A running training may have replaced all of them in the meantime.
            if kind not in {*KEPT, "newest"} or {c.id for c in known} >= {c.id for c in self.of(model.id)}:
                raise CheckpointError(f"No checkpoint of the model {model.name!r} can be used. " + " ".join(problems))

    def prune(self, newest: Checkpoint) -> None:
        """Remove the checkpoints that `newest` replaces."""
        for kind, count in KEPT.items():
            of_kind = [checkpoint for checkpoint in self.of(newest.model_id) if checkpoint.kind == kind]
            for checkpoint in of_kind[count:]:
                self.drop(checkpoint)

    def drop(self, checkpoint: Checkpoint) -> None:
        """Remove a checkpoint: its row first, then its folder."""
        self._history.drop_checkpoint(checkpoint.id)
        self.remove_folder(checkpoint)

    def remove_folder(self, checkpoint: Checkpoint) -> None:
        """Remove the folder of a checkpoint whose row was deleted, unless another row refers to it."""
        if all(other.folder != checkpoint.folder for other in self._history.checkpoints(checkpoint.model_id)):
            shutil.rmtree(self.path(checkpoint), ignore_errors=True)

    def remove_leftovers(self, model: Model) -> None:
        """Remove folders without rows, and rows without folders, of earlier trainings of a model.

        Call this only after a newer checkpoint has been stored: until then, a folder without a row may be the only
        copy.
        """
        known = self._history.checkpoints(model.id)
        for checkpoint in known:
            if not self.path(checkpoint).exists():
                self._history.drop_checkpoint(checkpoint.id)
        names = {checkpoint.folder for checkpoint in known}
        for path in self.folders(model.id):
            parts = parse_folder(path.name)
            if parts and parts[2] < model.epoch and path.name not in names:
                discard(path)

    def remove_all(self, model_id: str) -> None:
        """Remove a model's whole folder after its rows were deleted."""
        shutil.rmtree(self._root / model_id, ignore_errors=True)
