"""Where a model's checkpoints lie, which are kept, and which to use."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from charrnn.core.atomic_files import discard, make_folder
from charrnn.core.errors import CheckpointError, NotFound
from charrnn.core.records import Checkpoint, Model
from charrnn.store.run_history import HistoryStore

KEPT = {"last": 2, "best": 1}
"""How many of a kind are kept; the older `last` is there in case the newer one is damaged."""

_NAME = re.compile(r"(last|best)-(\d{1,18})-(\d{1,9})", re.ASCII)


def parse_folder(name: str) -> tuple[str, int, int] | None:
    """Return kind, step, and number of the training that a checkpoint folder's name holds; `None` for other names."""
    found = _NAME.fullmatch(name)
    return (found[1], int(found[2]), int(found[3])) if found else None


class Checkpoints:
    """The checkpoints of all models.

    Args:
        root: Folder `checkpoints/` of the data folder; below it a folder for each model's id.
        history: Knows the rows.
    """

    def __init__(self, root: Path, history: HistoryStore):
        self._root, self._history = root, history

    def folder(self, model_id: str) -> Path:
        """Return a model's checkpoint folder; it is made if missing."""
        folder = self._root / model_id
        make_folder(folder)
        return folder

    def folders(self, model_id: str) -> list[Path]:
        """Return all folders of a model that have a checkpoint's name, with or without a row."""
        folder = self._root / model_id
        return [path for path in folder.iterdir() if parse_folder(path.name)] if folder.is_dir() else []

    def highest_number(self, model_id: str) -> int:
        """Return the highest number of a training in the names of a model's folders; 0 when there is none."""
        return max((name[2] for path in self.folders(model_id) if (name := parse_folder(path.name))), default=0)

    def path(self, checkpoint: Checkpoint) -> Path:
        """Return where a checkpoint lies."""
        return self._root / checkpoint.model_id / checkpoint.folder

    def of(self, model_id: str) -> list[Checkpoint]:
        """Return a model's checkpoints, newest first."""
        return sorted(self._history.checkpoints(model_id), key=lambda c: (c.step, c.created_at), reverse=True)

    def first_usable[T](self, model: Model, kind: str, use: Callable[[Path], T]) -> tuple[Checkpoint, T, list[str]]:
        """Use the newest checkpoint of a kind that is sound; else the newest of any kind.

        Args:
            model: Whose.
            kind: `newest`, `last` or `best`, or a checkpoint's id.
            use: Called with a checkpoint's folder until it raises no CheckpointError.

        Returns:
            The checkpoint, what `use` returned, and why others were passed over.

        Raises:
            NotFound: The model has none, or none of that id.
            CheckpointError: None is sound.
        """
        while True:
            known = self.of(model.id)
            if kind not in {*KEPT, "newest"}:
                known = [checkpoint for checkpoint in known if checkpoint.id == kind]
            if not known:
                raise NotFound(
                    f"The model {model.name!r} has no checkpoint yet: train it until the first one is written "
                    f"(every save_every_n steps, at the end, and whenever it is stopped)."
                )
            problems: list[str] = []
            for checkpoint in sorted(known, key=lambda c: c.kind != kind):
                try:
                    return checkpoint, use(self.path(checkpoint)), problems
                except CheckpointError as error:
                    problems.append(str(error))
            # a training under way may have replaced all of them while they were looked at
            if kind not in {*KEPT, "newest"} or {c.id for c in known} >= {c.id for c in self.of(model.id)}:
                raise CheckpointError(f"No checkpoint of the model {model.name!r} can be used. " + " ".join(problems))

    def prune(self, newest: Checkpoint) -> None:
        """Remove the checkpoints that `newest` makes superfluous: the row first, then the folder."""
        for kind, count in KEPT.items():
            same = [checkpoint for checkpoint in self.of(newest.model_id) if checkpoint.kind == kind]
            for checkpoint in same[count:]:
                self.drop(checkpoint)

    def drop(self, checkpoint: Checkpoint) -> None:
        """Remove a checkpoint."""
        self._history.drop_checkpoint(checkpoint.id)
        self.remove_folder(checkpoint)

    def remove_folder(self, checkpoint: Checkpoint) -> None:
        """Remove the folder of a checkpoint whose row is gone, unless another row names it, too."""
        if all(other.folder != checkpoint.folder for other in self._history.checkpoints(checkpoint.model_id)):
            shutil.rmtree(self.path(checkpoint), ignore_errors=True)

    def remove_left_over(self, model: Model) -> None:
        """Remove what earlier trainings of a model left on one side only: folders without rows, rows without folders.

        Call it only once a later checkpoint has both. Until then a folder without a row may be all that is left.
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
        """Remove a model's whole folder, after its rows are gone."""
        shutil.rmtree(self._root / model_id, ignore_errors=True)
