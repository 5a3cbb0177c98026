"""The models: make, find, name, note, set aside, bring back, export."""

import difflib
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from charrnn.core.atomic_files import atomic_file, atomic_folder
from charrnn.core.checkpoint_manifest import verify
from charrnn.core.errors import BundleError, NameTaken, NotFound, OptionError, StateError
from charrnn.core.options import Value
from charrnn.core.records import Checkpoint, Corpus, Curve, LogLine, Metric, Model, Sample
from charrnn.services.bundle_history import ABOUT, LOG, METRICS, MOST, SAMPLES
from charrnn.services.checkpoint_manager import Checkpoints
from charrnn.services.export_history import log_part, metrics_part, samples_part
from charrnn.services.model_bundles import LARGEST_CHECKPOINT, model_json, read_bundle
from charrnn.services.quota_check import Allowance
from charrnn.store.model_names import checked_name, is_id
from charrnn.store.model_rows import new_id
from charrnn.store.models import ModelStore
from charrnn.store.run_history import HistoryStore


class Library:
    """The models of one data folder.

    Args:
        models: Knows the rows.
        history: Knows what their trainings said.
        checkpoints: Knows what they learned.
        allowance: How much a user may have.
        owner: Whose; `None` for everybody's. What is another's is as if it were not there.
    """

    def __init__(
        self,
        models: ModelStore,
        history: HistoryStore,
        checkpoints: Checkpoints,
        allowance: Allowance,
        owner: str | None = None,
    ):
        self._models, self._history, self._checkpoints = models, history, checkpoints
        self._allowance, self._owner = allowance, owner

    def create(self, name: str, *, corpus: Corpus | None = None, options: Mapping[str, Value] | None = None) -> Model:
        """Make a model.

        Raises:
            NameTaken: Another model has this name.
            OptionError: The name is empty, too long, or holds control characters.
        """
        return self._models.create(
            name,
            owner=self._owner or "",
            corpus_id=corpus.id if corpus else None,
            train_params=dict(options or {}),
        )

    def free_name(self, name: str) -> str:
        """Return the name, with a number appended if it is taken or has the form of an id."""
        number = 1
        free = name
        while is_id(free) or self._models.resolve(free, owner=self._owner or "") is not None:
            number += 1
            free = f"{name}-{number}"
        return free

    def get(self, model_id: str) -> Model:
        """Return a model by its id.

        Raises:
            NotFound: There is no such model, it is deleted, or the current user cannot see it.
        """
        model = self._models.get(model_id)
        if not self.sees(model):
            raise _unknown(model_id)
        if model.deleted_at is not None:
            raise NotFound(f"The model with the id {model_id!r} is deleted. Restore it first.")
        return model

    def resolve(self, name_or_id: str) -> Model:
        """Return the model that a user means; programs that know an id call `get`.

        Raises:
            NotFound: There is none of this name or id.
            OptionError: Several users have a model of that name.
        """
        model = self._models.resolve(name_or_id, owner=self._owner)
        if model is None:
            names = [other.name for other in self.all()]
            known = f"There are: {', '.join(names[:20])}." if names else "There are no models yet; train one."
            close = difflib.get_close_matches(name_or_id, names, n=1)
            meant = f" Did you mean {close[0]!r}?" if close else ""
            raise NotFound(f"There is no model {name_or_id!r}.{meant} {known}")
        return model

    def mine(self, model_id: str) -> str:
        """Return the id of a model that is not another's, deleted or not.

        Raises:
            NotFound: It is another's, or there is no such model.
        """
        if self._owner is not None and self._models.get(model_id).owner != self._owner:
            raise _unknown(model_id)
        return model_id

    def sees(self, model: Model) -> bool:
        """Tell whether a model is not another's."""
        return self._owner in (None, model.owner)

    def seen_by(self, owner: str, allowance: Allowance) -> "Library":
        """Return the models of one user."""
        return Library(self._models, self._history, self._checkpoints, allowance, owner)

    def all(self) -> list[Model]:
        """Return all models, newest first."""
        return self._models.list(owner=self._owner)

    def deleted(self) -> list[Model]:
        """Return the models that were set aside and can be restored, newest first."""
        return [
            model
            for model in self._models.list(owner=self._owner, include_deleted=True)
            if model.deleted_at is not None
        ]

    def find_deleted(self, name_or_id: str) -> Model | None:
        """Look for a model that was set aside; of several with the same name, the one deleted last."""
        deleted = self.deleted()
        found = [model for model in deleted if model.id == name_or_id]
        found = found or [model for model in deleted if model.name == name_or_id]
        return max(found, key=lambda model: model.deleted_at or model.created_at, default=None)

    def rename(self, model_id: str, name: str) -> Model:
        """Give a model another name, also while it is being trained.

        Raises:
            NameTaken: Another model has it.
            OptionError: It is empty, too long, or holds control characters.
            NotFound: There is no such model.
        """
        return self._models.update(self.mine(model_id), name=name)

    def give(self, model_id: str, owner: str) -> Model:
        """Make a model a user's, and its text theirs, too; who had it before sees it no more.

        Args:
            model_id: Whose it is does not matter: only whoever sees everybody's models can do this.
            owner: The name under which they log in; empty for nobody in particular.

        Raises:
            NameTaken: They have another model of that name.
            NotFound: There is no such model.
            OptionError: No user can be called so.
            StateError: It is being trained, or one user was to give it to another.
        """
        if self._owner is not None:
            raise StateError("Users cannot give models away. Export it, or ask whoever runs this.")
        return self._models.update(model_id, owner=owner)

    def note(self, model_id: str, notes: str) -> Model:
        """Write a note to a model."""
        return self._models.update(self.mine(model_id), notes=notes)

    def tag(self, model_id: str, tags: Iterable[str]) -> Model:
        """Set a model's tags."""
        return self._models.update(self.mine(model_id), tags=tuple(tags))

    def set_options(self, model_id: str, options: Mapping[str, Value]) -> Model:
        """Set the options of the next training; checkpoints keep those that they were made with."""
        return self._models.update(self.mine(model_id), train_params=dict(options))

    def delete(self, model_id: str) -> Model:
        """Set a model aside; `restore` brings it back.

        Raises:
            StateError: It is being trained.
            NotFound: There is no such model.
        """
        return self._models.delete(self.mine(model_id))

    def restore(self, model_id: str) -> Model:
        """Bring a deleted model back.

        Raises:
            NameTaken: Another model got its name meanwhile.
            NotFound: There is no such model.
        """
        return self._models.restore(self.mine(model_id))

    def purge(self, model_id: str) -> None:
        """Remove a model and its checkpoints for good.

        Raises:
            StateError: It is being trained.
            NotFound: There is no such model.
        """
        self._models.purge(self.mine(model_id))
        self._checkpoints.remove_all(model_id)

    def lines(self, model_id: str, *, after: int = 0, limit: int = 1_000_000) -> list[LogLine]:
        """Return log lines in order, those after position `after`."""
        return self._history.lines(self.mine(model_id), after=after, limit=limit)

    def last_lines(self, model_id: str, count: int) -> list[LogLine]:
        """Return the newest `count` log lines, in order."""
        return self._history.last_lines(self.mine(model_id), count)

    def find_lines(self, model_id: str, words: str, *, level: str = "", limit: int = 1000) -> list[LogLine]:
        """Find the newest log lines that hold `words`, whatever their case; in order.

        Args:
            model_id: The model.
            words: Any text; all lines if empty.
            level: Only this level and graver ones: `warning`, `error`; all if empty.
            limit: At most so many.
        """
        levels = {"warning": ("warning", "error"), "error": ("error",)}.get(level, ())
        return self._history.find_lines(self.mine(model_id), words, levels=levels, limit=limit)

    def metrics(self, model_id: str, *, names: Iterable[str] | None = None) -> list[Metric]:
        """Return measured values by step."""
        return self._history.metrics(self.mine(model_id), names=None if names is None else list(names))

    def curve(self, model_id: str, name: str, *, after_step: int = -1) -> Curve:
        """Return the measured values of one name, such as `val_loss`, as arrays; those after a step."""
        return self._history.curve(self.mine(model_id), name, after_step=after_step)

    def samples(self, model_id: str) -> list[Sample]:
        """Return the samples of a model, oldest first."""
        return self._history.samples(self.mine(model_id))

    def checkpoints(self, model_id: str) -> list[Checkpoint]:
        """Return the checkpoints of a model, newest first."""
        return self._checkpoints.of(self.mine(model_id))

    def export(self, model_id: str, target: Path) -> Path:
        """Write a model to one ZIP file: best (else newest) checkpoint, log, metrics, samples, and what it is.

        Every such file can be imported. Of a very long history, it holds as much as an import takes
        (`bundle_history.MOST`): the newest log lines and samples, and curves that are thinned evenly. The log's last
        lines say so.

        Args:
            model_id: The model.
            target: File to write; must not exist.

        Returns:
            The file.

        Raises:
            NameTaken: The file exists.
            NotFound: There is no such model, or it has no checkpoint.
            CheckpointError: None of its checkpoints is sound.
            BundleError: The checkpoint is larger than an import takes.
        """
        model = self.get(model_id)
        if target.exists():
            raise NameTaken(f"{target} exists already; choose another file, or remove it first.")
        checkpoint, parts, _ = self._checkpoints.first_usable(model, "best", _checked_parts)
        if (num_bytes := sum(part.stat().st_size for part in parts)) > LARGEST_CHECKPOINT:
            raise BundleError(
                f"The checkpoint of {model.name!r} has {num_bytes:,} bytes, and an export takes "
                f"{LARGEST_CHECKPOINT:,} at most. Copy the data folder instead."
            )
        with atomic_file(target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
            about = model_json(model, checkpoint)
            bundle.writestr(ABOUT, json.dumps(about, ensure_ascii=False, indent=1))
            metrics, thinned = metrics_part(self.metrics(model.id))
            bundle.writestr(METRICS, metrics)
            samples, missing = samples_part(self.samples(model.id))
            bundle.writestr(SAMPLES, samples)
            newest = self.last_lines(model.id, MOST["lines"])
            bundle.writestr(LOG, log_part(newest, list(filter(None, [thinned, missing]))))
            for part in parts:
                bundle.write(part, f"checkpoint/{part.name}")
        return target

    def import_bundle(self, path: Path) -> Model:
        """Make a new model from a file that `export` wrote, here or elsewhere; without the text that it was made of.

        Args:
            path: The file. It is not trusted: nothing in it can run, name a place, or be larger than it says.

        Returns:
            The model, with a name of its own; it can write, but not be trained further.

        Raises:
            BundleError: It is no such file, or is damaged, dangerous or of a newer program; nothing was imported.
            LimitReached: It is more than this server allows.
            NotFound: There is no such file.
        """
        bundle = read_bundle(path, check_weights=self._allowance.check_weights)
        try:
            checked_name(bundle.name)
        except OptionError as error:
            raise BundleError(f"{path.name!r} cannot be imported: {error}") from error
        self._allowance.check_room(bundle.checkpoint_bytes, "model")
        model_id = new_id()
        try:
            with atomic_folder(self._checkpoints.folder(model_id) / bundle.folder) as building:
                for name, data in bundle.checkpoint.items():
                    (building / name).write_bytes(data)
                bundle.check(building)
            name = self.free_name(bundle.name)
            return self._models.adopt(bundle.model(model_id, name, self._owner or ""), bundle.told(model_id))
        except BaseException as error:
            self._checkpoints.remove_all(model_id)
            if isinstance(error, OptionError):
                raise BundleError(f"{path.name!r} cannot be imported: {error}") from error
            raise


def _unknown(model_id: str) -> NotFound:
    return NotFound(f"There is no model with the id {model_id!r}. It may have been purged; list the models.")


def _checked_parts(folder: Path) -> list[Path]:
    """Return a checkpoint's files after checking their hashes."""
    verify(folder)
    return sorted(folder.iterdir())
