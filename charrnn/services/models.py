"""Create, find, edit, delete, export and import models."""

import difflib
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from charrnn.core.atomic_files import atomic_file, atomic_folder
from charrnn.core.checkpoint_manifest import verify
from charrnn.core.errors import BundleError, NameTaken, NotFound, OptionError, StateError
from charrnn.core.options import Value
from charrnn.core.records import Checkpoint, Corpus, Curve, LogLine, Metric, Model, Sample
from charrnn.services.bundle_history_reader import DESCRIPTION, LOG, MAX_COUNTS, METRICS, SAMPLES
from charrnn.services.bundle_history_writer import log_part, metrics_part, samples_part
from charrnn.services.bundle_reader import LARGEST_CHECKPOINT, describe_model, read_bundle
from charrnn.services.checkpoint_manager import CheckpointManager
from charrnn.services.limit_check import LimitCheck
from charrnn.services.web_page.packed_weights import Format
from charrnn.services.web_page.page import WebPage, render
from charrnn.store.model_field_checks import is_id, validate_name
from charrnn.store.models import ModelStore
from charrnn.store.row_conversion import new_id
from charrnn.store.run_history import HistoryStore

if TYPE_CHECKING:
    from charrnn.model.training.checkpoint import LoadedCheckpoint


class Models:
    """The models of one data folder that one user sees.

    Args:
        models: Stores the rows.
        history: Stores logs, metrics and samples.
        checkpoints: Stores the checkpoints.
        limit_check: The user's limits.
        owner: The user, for whom models of other users do not exist; `None` for the models of all users.
    """

    def __init__(
        self,
        models: ModelStore,
        history: HistoryStore,
        checkpoints: CheckpointManager,
        limit_check: LimitCheck,
        owner: str | None = None,
    ):
        self._models, self._history, self._checkpoints = models, history, checkpoints
        self._limit_check, self._owner = limit_check, owner

    def create(
        self,
        name: str,
        *,
        corpus: Corpus | None = None,
        options: Mapping[str, Value] | None = None,
        queued_for: str | None = None,
    ) -> Model:
        """Create a model, which is already queued if `queued_for` is given: the process that its training is reserved
        for, empty for any.

        Raises:
            NameTaken: Another model has this name.
            OptionError: The name is empty, too long, or contains control characters.
        """
        return self._models.create(
            name,
            owner=self._owner or "",
            corpus_id=corpus.id if corpus else None,
            train_params=dict(options or {}),
            queued_for=queued_for,
        )

    def free_name(self, name: str) -> str:
        """Return a name that is free: `name`, or `name` with a number if it is taken or looks like an id."""
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
        """Return the model for a name or id that a user typed; use `get` for a known id.

        Raises:
            NotFound: There is no model of that name or id.
            OptionError: Several users have a model of that name.
        """
        model = self._models.resolve(name_or_id, owner=self._owner)
        if model is None:
            names = [other.name for other in self.all()]
            known = f"Known models: {', '.join(names[:20])}." if names else "There are no models yet; train one."
            close = difflib.get_close_matches(name_or_id, names, n=1)
            suggestion = f" Did you mean {close[0]!r}?" if close else ""
            raise NotFound(f"There is no model {name_or_id!r}.{suggestion} {known}")
        return model

    def check_access(self, model_id: str) -> str:
        """Return `model_id` if the current user can see the model, deleted or not.

        Raises:
            NotFound: The model belongs to another user, or does not exist.
        """
        if self._owner is not None and self._models.get(model_id).owner != self._owner:
            raise _unknown(model_id)
        return model_id

    def sees(self, model: Model) -> bool:
        """Return whether the current user can see a model."""
        return self._owner in (None, model.owner)

    def seen_by(self, owner: str, limit_check: LimitCheck) -> "Models":
        """Return the models of one user."""
        return Models(self._models, self._history, self._checkpoints, limit_check, owner)

    def all(self) -> list[Model]:
        """Return all models, newest first."""
        return self._models.list(owner=self._owner)

    def deleted(self) -> list[Model]:
        """Return the deleted models, which can be restored, newest first."""
        return [
            model
            for model in self._models.list(owner=self._owner, include_deleted=True)
            if model.deleted_at is not None
        ]

    def find_deleted(self, name_or_id: str) -> Model | None:
        """Find a deleted model; of several with the same name, the one that was deleted last."""
        deleted = self.deleted()
        matches = [model for model in deleted if model.id == name_or_id]
        matches = matches or [model for model in deleted if model.name == name_or_id]
        return max(matches, key=lambda model: model.deleted_at or model.created_at, default=None)

    def rename(self, model_id: str, name: str) -> Model:
        """Rename a model, even while it is being trained.

        Raises:
            NameTaken: Another model has this name.
            OptionError: The name is empty, too long, or contains control characters.
            NotFound: There is no such model.
        """
        return self._models.update(self.check_access(model_id), name=name)

    def give(self, model_id: str, owner: str) -> Model:
        """Transfer a model and its text to another user. The previous owner no longer sees it.

        Only the administrator, who sees the models of all users, can do this.

        Args:
            model_id: The model.
            owner: Login name of the new owner; empty for no owner.

        Raises:
            NameTaken: The new owner has another model of that name.
            NotFound: There is no such model.
            OptionError: The login name is invalid.
            StateError: The model is being trained, or these are the models of a single user.
        """
        if self._owner is not None:
            raise StateError("Users cannot transfer models. Export the model, or ask the administrator.")
        return self._models.update(model_id, owner=owner)

    def note(self, model_id: str, notes: str) -> Model:
        """Set the notes of a model."""
        return self._models.update(self.check_access(model_id), notes=notes)

    def tag(self, model_id: str, tags: Iterable[str]) -> Model:
        """Set the tags of a model."""
        return self._models.update(self.check_access(model_id), tags=tuple(tags))

    def set_options(self, model_id: str, options: Mapping[str, Value]) -> Model:
        """Set the options of the next training; checkpoints keep their own."""
        return self._models.update(self.check_access(model_id), train_params=dict(options))

    def delete(self, model_id: str) -> Model:
        """Delete a model; `restore` undoes this.

        Raises:
            StateError: The model is being trained.
            NotFound: There is no such model.
        """
        return self._models.delete(self.check_access(model_id))

    def restore(self, model_id: str) -> Model:
        """Restore a deleted model.

        Raises:
            NameTaken: Another model has taken its name.
            NotFound: There is no such model.
        """
        return self._models.restore(self.check_access(model_id))

    def purge(self, model_id: str) -> None:
        """Delete a model and its checkpoints permanently.

        Raises:
            StateError: The model is being trained.
            NotFound: There is no such model.
        """
        self._models.purge(self.check_access(model_id))
        self._checkpoints.remove_all(model_id)

    def lines(self, model_id: str, *, after: int = 0, limit: int = 1_000_000) -> list[LogLine]:
        """Return up to `limit` log lines after position `after`, in order."""
        return self._history.lines(self.check_access(model_id), after=after, limit=limit)

    def last_lines(self, model_id: str, count: int) -> list[LogLine]:
        """Return the last `count` log lines, in order."""
        return self._history.last_lines(self.check_access(model_id), count)

    def find_lines(self, model_id: str, words: str, *, level: str = "", limit: int = 1000) -> list[LogLine]:
        """Return the last log lines that contain `words`, ignoring case, in order.

        Args:
            model_id: The model.
            words: Text to search for; empty matches all lines.
            level: Lowest level to include, `warning` or `error`; all levels if empty.
            limit: Maximum number of lines.
        """
        levels = {"warning": ("warning", "error"), "error": ("error",)}.get(level, ())
        return self._history.find_lines(self.check_access(model_id), words, levels=levels, limit=limit)

    def metrics(self, model_id: str, *, names: Iterable[str] | None = None) -> list[Metric]:
        """Return metrics in the order of their steps."""
        return self._history.metrics(self.check_access(model_id), names=None if names is None else list(names))

    def curve(self, model_id: str, name: str, *, after_step: int = -1) -> Curve:
        """Return the values of one metric, such as `val_loss`, after a step as arrays."""
        return self._history.curve(self.check_access(model_id), name, after_step=after_step)

    def samples(self, model_id: str) -> list[Sample]:
        """Return the samples of a model, oldest first."""
        return self._history.samples(self.check_access(model_id))

    def checkpoints(self, model_id: str) -> list[Checkpoint]:
        """Return the checkpoints of a model, newest first."""
        return self._checkpoints.of(self.check_access(model_id))

    def export(self, model_id: str, target: Path) -> Path:
        """Export a model to a ZIP file: its best (or newest) checkpoint, log, metrics, samples and description.

        The file can always be imported. A very long history is shortened to what an import accepts
        (`bundle_history_reader.MAX_COUNTS`): the newest log lines and samples, and evenly thinned curves. The last log
        lines state this.

        Args:
            model_id: The model.
            target: File to create.

        Returns:
            The file.

        Raises:
            NameTaken: The file exists.
            NotFound: There is no such model, or it has no checkpoint.
            CheckpointError: None of its checkpoints is valid.
            BundleError: The checkpoint is larger than an import accepts.
        """
        model = self.get(model_id)
        _require_missing(target)
        checkpoint, parts, _ = self._checkpoints.first_usable(model, "best", _checked_parts)
        if (num_bytes := sum(part.stat().st_size for part in parts)) > LARGEST_CHECKPOINT:
            raise BundleError(
                f"The checkpoint of {model.name!r} has {num_bytes:,} bytes; the maximum for an export is "
                f"{LARGEST_CHECKPOINT:,}. Copy the data folder instead."
            )
        with atomic_file(target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
            description = describe_model(model, checkpoint)
            bundle.writestr(DESCRIPTION, json.dumps(description, ensure_ascii=False, indent=1))
            metrics, metrics_note = metrics_part(self.metrics(model.id))
            bundle.writestr(METRICS, metrics)
            samples, samples_note = samples_part(self.samples(model.id))
            bundle.writestr(SAMPLES, samples)
            newest = self.last_lines(model.id, MAX_COUNTS["lines"])
            bundle.writestr(LOG, log_part(newest, list(filter(None, [metrics_note, samples_note]))))
            for part in parts:
                bundle.write(part, f"checkpoint/{part.name}")
        return target

    def export_web_page(self, model_id: str, target: Path, *, weights: Format = "int8") -> Path:
        """Export a model as one HTML file that generates text in a browser, without a server or a network connection.

        The page contains the weights of the best (or newest) checkpoint, the vocabulary and the name of the model, but
        neither its text nor its n-grams, samples, notes or log.

        Args:
            model_id: The model.
            target: File to create.
            weights: Format of the weights: `int8`, or `float16`, which is more exact and takes twice the space.

        Returns:
            The file.

        Raises:
            NameTaken: The file exists.
            NotFound: There is no such model, or it has no checkpoint.
            CheckpointError: None of its checkpoints is valid.
            BundleError: The network is too large for a web page.
        """
        model = self.get(model_id)
        _require_missing(target)
        checkpoint, stored, _ = self._checkpoints.first_usable(model, "best", _loaded)
        page = WebPage(model.name, stored.options, stored.vocabulary, stored.weights, checkpoint.step, checkpoint.loss)
        html = render(page, weights).encode()
        with atomic_file(target) as file:
            file.write(html)
        return target

    def import_bundle(self, path: Path) -> Model:
        """Import a model from a file that `export` created, without the text that it was trained on.

        Args:
            path: The file. It is not trusted: it cannot run code, choose paths, or unpack to more than it declares.

        Returns:
            The model, under a free name; it can generate text, but cannot be trained further.

        Raises:
            BundleError: The file is not an exported model, is damaged or unsafe, or was written by a newer version;
                nothing was imported.
            LimitExceeded: The model exceeds a limit of this server.
            NotFound: There is no such file.
        """
        bundle = read_bundle(path, check_weights=self._limit_check.check_weights)
        try:
            validate_name(bundle.name)
        except OptionError as error:
            raise BundleError(f"{path.name!r} cannot be imported: {error}") from error
        self._limit_check.check_space(bundle.checkpoint_bytes, "model")
        model_id = new_id()
        try:
            with atomic_folder(self._checkpoints.folder(model_id) / bundle.folder) as building:
                for name, data in bundle.checkpoint.items():
                    (building / name).write_bytes(data)
                bundle.check(building)
            name = self.free_name(bundle.name)
            return self._models.adopt(bundle.model(model_id, name, self._owner or ""), bundle.history(model_id))
        except BaseException as error:
            self._checkpoints.remove_all(model_id)
            if isinstance(error, OptionError):
                raise BundleError(f"{path.name!r} cannot be imported: {error}") from error
            raise


def _require_missing(target: Path) -> None:
    """Require that a file to be created does not exist."""
    if target.exists():
        raise NameTaken(f"{target} exists already. Choose another file, or remove it first.")


def _unknown(model_id: str) -> NotFound:
    return NotFound(f"There is no model with the id {model_id!r}. It may have been purged; list the models.")


def _checked_parts(folder: Path) -> list[Path]:
    """Return the files of a checkpoint after verifying their hashes."""
    verify(folder)
    return sorted(folder.iterdir())


def _loaded(folder: Path) -> "LoadedCheckpoint":
    """Return the weights and options of a checkpoint after verifying its hashes."""
    from charrnn.model import training

    return training.checkpoint.load(folder, with_training=False)
