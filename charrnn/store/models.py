"""Create, find, change, delete and restore models. Leases on them are in `charrnn.store.training_leases`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from charrnn.core.errors import ConstraintError, NameTaken, NotFound, OptionError, StateError
from charrnn.core.records import ACTIVE, Model, ModelState
from charrnn.store.column_types import storable_json
from charrnn.store.corpora import own
from charrnn.store.database import Database
from charrnn.store.database_clock import utc_now
from charrnn.store.driver_errors import is_duplicate, is_missing_parent
from charrnn.store.history_batch import Batch, insert_parts
from charrnn.store.model_names import checked_name, checked_notes, checked_owner, checked_tags, is_id
from charrnn.store.model_rows import compare_and_set, load_model, model_of, new_id
from charrnn.store.tables import CorpusRow, ModelRow

_CHECKS = {
    "name": checked_name,
    "owner": checked_owner,
    "notes": checked_notes,
    "tags": checked_tags,
    "train_params": storable_json,
    "sample_params": storable_json,
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
        sample_params: Mapping[str, Any] | None = None,
        notes: str = "",
        tags: Sequence[str] = (),
    ) -> Model:
        """Make a model; with a corpus it is `ready`, without one a `draft`.

        Raises:
            NameTaken: The owner has another model of that name.
            NotFound: There is no such corpus.
            OptionError: Name, notes or tags cannot be kept, or a parameter is NaN or infinite.
        """
        values = _checked(
            name=name,
            notes=notes,
            tags=tags,
            train_params=train_params or {},
            sample_params=sample_params or {},
        )
        state = ModelState.DRAFT if corpus_id is None else ModelState.READY

        def work(session: Session) -> Model:
            now = session.scalars(select(utc_now())).one()
            model_id = new_id()
            row = ModelRow(id=model_id, owner=owner, corpus_id=corpus_id, state=state, created_at=now, updated_at=now)
            for column, value in values.items():
                setattr(row, column, value)
            session.add(row)
            session.flush()
            return load_model(session, model_id)

        with _explained(values["name"], corpus_id):
            return self._database.write(work)

    def adopt(self, model: Model, told: Batch) -> Model:
        """Store a model that was trained elsewhere, with its history; its checkpoints' folders must be there.

        Args:
            model: Its id, name, owner, state, options, step, best loss, CPU, notes and tags; without a text.
            told: What its training said, and its checkpoints.

        Raises:
            NameTaken: The owner has another model of that name.
            OptionError: Name, notes or tags cannot be kept, or a parameter is NaN or infinite.
        """
        values = _checked(**{name: getattr(model, name) for name in _CHECKS})

        def work(session: Session) -> Model:
            now = session.scalars(select(utc_now())).one()
            row = ModelRow(id=model.id, state=model.state, created_at=now, updated_at=now, **values)
            row.step, row.best_loss, row.log_position = model.step, model.best_loss, len(told.lines)
            row.cpu = model.cpu
            session.add(row)
            session.flush()
            insert_parts(session, model.id, told, epoch=None)
            return load_model(session, model.id)

        with _explained(values["name"], None):
            return self._database.write(work)

    def get(self, model_id: str) -> Model:
        """Read a model, deleted or not.

        Raises:
            NotFound: There is no such model.
        """
        return self._database.read(lambda session: load_model(session, model_id))

    def resolve(self, name_or_id: str, *, owner: str | None = "") -> Model | None:
        """Find a live model by what a user typed: an id if it has the form of one, else an exact name.

        A model can never be reached under another's id, whatever it is called.

        Args:
            name_or_id: The name or the id.
            owner: Restrict to the models of this owner; `None` for all owners, unowned models first.

        Raises:
            OptionError: Several users have a model of that name.
        """
        if is_id(name_or_id):
            wanted = name_or_id.strip().lower()
            statement = select(ModelRow).where(ModelRow.id == wanted)
        else:
            try:
                wanted = checked_name(name_or_id)
            except OptionError:
                return None
            statement = select(ModelRow).where(ModelRow.live_name == wanted)
        statement = statement.where(ModelRow.deleted_at.is_(None)).order_by(ModelRow.owner)
        if owner is not None:
            statement = statement.where(ModelRow.owner == owner)
        rows = self._database.read(lambda session: [model_of(row) for row in session.scalars(statement)])
        if len(rows) > 1 and rows[0].owner:
            whose = ", ".join(f"{row.owner!r} ({row.id})" for row in rows[:5])
            raise OptionError({"model": f"Several users have a model {wanted!r}: {whose}. Give its id."})
        return rows[0] if rows else None

    def list(self, *, owner: str | None = None, include_deleted: bool = False) -> list[Model]:
        """Read all models, newest first.

        Args:
            owner: Only this owner's; `None` for everybody's.
            include_deleted: Also those that were deleted and not purged.
        """
        statement = select(ModelRow).order_by(ModelRow.created_at.desc(), ModelRow.id)
        if owner is not None:
            statement = statement.where(ModelRow.owner == owner)
        if not include_deleted:
            statement = statement.where(ModelRow.deleted_at.is_(None))
        return self._database.read(lambda session: [model_of(row) for row in session.scalars(statement)])

    def update(self, model_id: str, **changes: Any) -> Model:
        """Change what is named: `name`, `owner`, `notes`, `tags`, `train_params`, `sample_params` or `corpus_id`.

        The first corpus makes a draft ready. A new owner has the text, too; it also stays whose it was.

        Raises:
            NameTaken: The owner has another model of that name.
            NotFound: There is no such model or corpus.
            OptionError: A value cannot be kept.
            StateError: The model is deleted, or what its training depends on was to change while it is trained.
            TypeError: There is no such thing to change.
        """
        if unknown := changes.keys() - {*_CHECKS, "corpus_id"}:
            raise TypeError(
                f"update() changes no {', '.join(sorted(unknown))}; it changes {', '.join(_CHECKS)}, corpus_id"
            )
        values = _checked(**changes)

        def work(session: Session) -> Model:
            model = load_model(session, model_id, lock=True)
            _refuse_update(model, changes)
            state = model.state
            if "corpus_id" in values and state in (ModelState.DRAFT, ModelState.READY):
                state = ModelState.DRAFT if values["corpus_id"] is None else ModelState.READY
            if {"corpus_id", "train_params"} & values.keys():
                values["worker"] = ""  # a worker thought dead that comes back trains something else
            if "owner" in values and model.corpus_id:
                own(session, session.get_one(CorpusRow, model.corpus_id), values["owner"])
            compare_and_set(session, model_id, **values, state=state, updated_at=utc_now())
            return load_model(session, model_id)

        name = self.get(model_id).name if "owner" in values else values.get("name", "")
        with _explained(name, values.get("corpus_id")):
            return self._database.write(work)

    def delete(self, model_id: str) -> Model:
        """Put a model aside; `restore` brings it back, and its name is free until then.

        Raises:
            NotFound: There is no such model.
            StateError: It is being trained.
        """

        def work(session: Session) -> Model:
            model = load_model(session, model_id, lock=True)
            _refuse_active(model, "deleted")
            if model.deleted_at is None:
                compare_and_set(session, model_id, deleted_at=utc_now())
            return load_model(session, model_id)

        return self._database.write(work)

    def restore(self, model_id: str) -> Model:
        """Bring a deleted model back.

        Raises:
            NameTaken: Its name was given to another model since.
            NotFound: There is no such model.
        """
        name = self.get(model_id).name

        def work(session: Session) -> Model:
            compare_and_set(session, model_id, deleted_at=None)
            return load_model(session, model_id)

        with _explained(name, None):
            return self._database.write(work)

    def purge(self, model_id: str) -> None:
        """Remove a model for good, with its log, metrics, samples and the rows of its checkpoints.

        Raises:
            NotFound: There is no such model.
            StateError: It is being trained.
        """

        def work(session: Session) -> None:
            _refuse_active(load_model(session, model_id, lock=True), "removed")
            session.execute(delete(ModelRow).where(ModelRow.id == model_id))

        self._database.write(work)


def _checked(**values: Any) -> dict[str, Any]:
    """Check all values and tell all problems at once."""
    checked: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, value in values.items():
        check: Any = _CHECKS.get(name)
        try:
            checked[name] = value if check is None else check(value)
        except OptionError as error:
            problems |= error.problems
    if problems:
        raise OptionError(problems)
    return checked


def _refuse_active(model: Model, what: str) -> None:
    if model.state in ACTIVE:
        raise StateError(
            f"The model {model.name!r} is {model.state} and cannot be {what} now. Stop its training first."
        )


def _refuse_update(model: Model, changes: Mapping[str, Any]) -> None:
    if model.deleted_at is not None:
        raise StateError(f"The model {model.name!r} is deleted and cannot be changed. Restore it first.")
    if "owner" in changes:
        _refuse_active(model, "given to somebody")
    if "train_params" in changes:
        _refuse_active(model, "given other training options")
    if "corpus_id" in changes:
        _refuse_active(model, "given another text")
        if changes["corpus_id"] is None and model.state not in (ModelState.DRAFT, ModelState.READY):
            raise StateError(f"The model {model.name!r} was trained and keeps its text. Make a new model instead.")


@contextmanager
def _explained(name: str, corpus_id: str | None) -> Iterator[None]:
    try:
        yield
    except ConstraintError as error:
        if is_duplicate(error, constraint="uq_model_owner_live_name", columns="model.owner, model.live_name"):
            raise NameTaken(
                f"There is a model {name!r} already. Choose another name, or rename or delete that one."
            ) from error
        if is_missing_parent(error):
            raise NotFound(f"There is no text with the id {corpus_id!r}. Add the text first.") from error
        raise
