"""Create, find, update, delete and restore models; `charrnn.store.training_leases` changes the state of trainings."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from charrnn.core.errors import ConstraintError, NameTaken, NotFound, OptionError, StateError
from charrnn.core.records import ACTIVE, Model, ModelState
from charrnn.store.column_types import storable_json
from charrnn.store.corpora import add_owner
from charrnn.store.database import Database
from charrnn.store.database_clock import utc_now
from charrnn.store.driver_errors import is_duplicate, is_missing_parent
from charrnn.store.history_batch import HistoryBatch, insert_batch
from charrnn.store.model_field_checks import is_id, validate_name, validate_notes, validate_owner, validate_tags
from charrnn.store.row_conversion import compare_and_set, load_model, model_from_row, new_id
from charrnn.store.tables import CorpusRow, ModelRow
from charrnn.store.training_queue import queue_values

_VALIDATORS = {
    "name": validate_name,
    "owner": validate_owner,
    "notes": validate_notes,
    "tags": validate_tags,
    "train_params": storable_json,
}


class ModelStore:
    """The models of one database."""

    def __init__(self, database: Database):
        self._database = database

    def create(
        self,
        name: str,
        *,
        owner: str = "",
        corpus_id: str | None = None,
        train_params: Mapping[str, Any] | None = None,
        notes: str = "",
        tags: Sequence[str] = (),
        queued_for: str | None = None,
    ) -> Model:
        """Create a model.

        Its state is `draft` without a corpus, else `ready`, or `queued` if `queued_for` is given: the process that its
        training is reserved for, empty for any.

        Raises:
            NameTaken: The owner has another model of that name.
            NotFound: There is no such corpus.
            OptionError: Name, notes or tags are invalid, or a parameter is NaN or infinite.
        """
        values = _validated(name=name, notes=notes, tags=tags, train_params=train_params or {})
        state = ModelState.DRAFT if corpus_id is None else ModelState.READY

        def transaction(session: Session) -> Model:
            now = session.scalars(select(utc_now())).one()
            model_id = new_id()
            row = ModelRow(id=model_id, owner=owner, corpus_id=corpus_id, state=state, created_at=now, updated_at=now)
            for column, value in values.items():
                setattr(row, column, value)
            session.add(row)
            session.flush()
            if queued_for is not None:
                values_of_queue = queue_values(session, resumes=False, reserved_by=queued_for)
                compare_and_set(session, model_id, queued_from=state, **values_of_queue)
            return load_model(session, model_id)

        with _constraint_errors(values["name"], corpus_id):
            return self._database.write(transaction)

    def adopt(self, model: Model, history: HistoryBatch) -> Model:
        """Store a model that was trained elsewhere, with its history; the folders of its checkpoints must exist.

        Args:
            model: The model. Its id, name, owner, state, options, step, best loss, CPU, notes and tags are stored.
            history: The history of its training, including its checkpoints.

        Raises:
            NameTaken: The owner has another model of that name.
            OptionError: Name, notes or tags are invalid, or a parameter is NaN or infinite.
        """
        values = _validated(**{name: getattr(model, name) for name in _VALIDATORS})

        def transaction(session: Session) -> Model:
            now = session.scalars(select(utc_now())).one()
            row = ModelRow(id=model.id, state=model.state, created_at=now, updated_at=now, **values)
            row.step, row.best_loss, row.log_position = model.step, model.best_loss, len(history.lines)
            row.cpu = model.cpu
            session.add(row)
            session.flush()
            insert_batch(session, model.id, history, epoch=None)
            return load_model(session, model.id)

        with _constraint_errors(values["name"], None):
            return self._database.write(transaction)

    def get(self, model_id: str) -> Model:
        """Read a model, even if it is deleted.

        Raises:
            NotFound: There is no such model.
        """
        return self._database.read(lambda session: load_model(session, model_id))

    def resolve(self, name_or_id: str, *, owner: str | None = "") -> Model | None:
        """Find a model that is not deleted by its id or exact name.

        A text that looks like an id is never a name, because names must not look like ids.

        Args:
            name_or_id: The name or id, as entered by the user.
            owner: Search only models of this owner; `None` for all owners, with priority for unowned models.

        Returns:
            The model; `None` if there is none.

        Raises:
            OptionError: Several users have a model of this name.
        """
        if is_id(name_or_id):
            key = name_or_id.strip().lower()
            statement = select(ModelRow).where(ModelRow.id == key)
        else:
            try:
                key = validate_name(name_or_id)
            except OptionError:
                return None
            statement = select(ModelRow).where(ModelRow.live_name == key)
        statement = statement.where(ModelRow.deleted_at.is_(None)).order_by(ModelRow.owner)
        if owner is not None:
            statement = statement.where(ModelRow.owner == owner)
        rows = self._database.read(lambda session: [model_from_row(row) for row in session.scalars(statement)])
        if len(rows) > 1 and rows[0].owner:
            owners = ", ".join(f"{row.owner!r} ({row.id})" for row in rows[:5])
            raise OptionError({"model": f"Several users have a model {key!r}: {owners}. Use its id."})
        return rows[0] if rows else None

    def list(self, *, owner: str | None = None, include_deleted: bool = False) -> list[Model]:
        """Read all models, newest first.

        Args:
            owner: Only models of this owner; `None` for all owners.
            include_deleted: Include models in the recycle bin.
        """
        statement = select(ModelRow).order_by(ModelRow.created_at.desc(), ModelRow.id)
        if owner is not None:
            statement = statement.where(ModelRow.owner == owner)
        if not include_deleted:
            statement = statement.where(ModelRow.deleted_at.is_(None))
        return self._database.read(lambda session: [model_from_row(row) for row in session.scalars(statement)])

    def update(self, model_id: str, **changes: Any) -> Model:
        """Update fields of a model: `name`, `owner`, `notes`, `tags`, `train_params` or `corpus_id`.

        A draft with a corpus becomes `ready`. A new owner of the model becomes an owner of its corpus, too.

        Raises:
            NameTaken: The owner has another model of that name.
            NotFound: There is no such model or corpus.
            OptionError: A value is invalid.
            StateError: The model is deleted, or is being trained and the change would affect the training.
            TypeError: A field is unknown.
        """
        if unknown := changes.keys() - {*_VALIDATORS, "corpus_id"}:
            raise TypeError(
                f"unknown fields {', '.join(sorted(unknown))}; expected {', '.join(_VALIDATORS)}, corpus_id"
            )
        values = _validated(**changes)

        def transaction(session: Session) -> Model:
            model = load_model(session, model_id, lock=True)
            _check_update(model, changes)
            state = model.state
            if "corpus_id" in values and state in (ModelState.DRAFT, ModelState.READY):
                state = ModelState.DRAFT if values["corpus_id"] is None else ModelState.READY
            if {"corpus_id", "train_params"} & values.keys():
                values["worker"] = ""  # prevents that a worker presumed dead reclaims the training
            if "owner" in values and model.corpus_id:
                add_owner(session, session.get_one(CorpusRow, model.corpus_id), values["owner"])
            compare_and_set(session, model_id, **values, state=state, updated_at=utc_now())
            return load_model(session, model_id)

        name = self.get(model_id).name if "owner" in values else values.get("name", "")
        with _constraint_errors(name, values.get("corpus_id")):
            return self._database.write(transaction)

    def delete(self, model_id: str) -> Model:
        """Move a model to the recycle bin, from which `restore` restores it. Its name can be used again.

        Raises:
            NotFound: There is no such model.
            StateError: The model is being trained.
        """

        def transaction(session: Session) -> Model:
            model = load_model(session, model_id, lock=True)
            _check_inactive(model, "deleted")
            if model.deleted_at is None:
                compare_and_set(session, model_id, deleted_at=utc_now())
            return load_model(session, model_id)

        return self._database.write(transaction)

    def restore(self, model_id: str) -> Model:
        """Restore a deleted model.

        Raises:
            NameTaken: The owner has another model of that name now.
            NotFound: There is no such model.
        """
        name = self.get(model_id).name

        def transaction(session: Session) -> Model:
            compare_and_set(session, model_id, deleted_at=None)
            return load_model(session, model_id)

        with _constraint_errors(name, None):
            return self._database.write(transaction)

    def purge(self, model_id: str) -> None:
        """Remove a model permanently, with its log, metrics, samples and the rows of its checkpoints.

        Raises:
            NotFound: There is no such model.
            StateError: The model is being trained.
        """

        def transaction(session: Session) -> None:
            _check_inactive(load_model(session, model_id, lock=True), "removed")
            session.execute(delete(ModelRow).where(ModelRow.id == model_id))

        self._database.write(transaction)


def _validated(**values: Any) -> dict[str, Any]:
    """Validate all values, and report all problems in one error."""
    validated: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, value in values.items():
        validate: Any = _VALIDATORS.get(name)
        try:
            validated[name] = value if validate is None else validate(value)
        except OptionError as error:
            problems |= error.problems
    if problems:
        raise OptionError(problems)
    return validated


def _check_inactive(model: Model, what: str) -> None:
    if model.state in ACTIVE:
        raise StateError(
            f"The model {model.name!r} is {model.state} and cannot be {what} now. Stop its training first."
        )


def _check_update(model: Model, changes: Mapping[str, Any]) -> None:
    if model.deleted_at is not None:
        raise StateError(f"The model {model.name!r} is deleted and cannot be changed. Restore it first.")
    if "owner" in changes:
        _check_inactive(model, "given to another user")
    if "train_params" in changes:
        _check_inactive(model, "given other training options")
    if "corpus_id" in changes:
        _check_inactive(model, "given another text")
        if changes["corpus_id"] is None and model.state not in (ModelState.DRAFT, ModelState.READY):
            raise StateError(f"The model {model.name!r} was trained and keeps its text. Create a new model instead.")


@contextmanager
def _constraint_errors(name: str, corpus_id: str | None) -> Iterator[None]:
    """Translate violated constraints to `NameTaken` and `NotFound`."""
    try:
        yield
    except ConstraintError as error:
        if is_duplicate(error, constraint="uq_model_owner_live_name", columns="model.owner, model.live_name"):
            raise NameTaken(
                f"The name {name!r} is taken by another model. Choose another name, or rename or delete that model."
            ) from error
        if is_missing_parent(error):
            raise NotFound(f"There is no text with the id {corpus_id!r}. Add the text first.") from error
        raise
