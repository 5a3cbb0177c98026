"""Store the metadata of corpora in the database; their text is stored in files (`charrnn.store.corpus_files`).

A text that was added by several users has one row in `corpus`, and one row per user in `corpus_owner`, with the user's
name for it. An `owner` of `None` selects the texts of all users.
"""

from dataclasses import replace

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from charrnn.core.errors import NotFound, OptionError, StateError
from charrnn.core.records import Corpus
from charrnn.store.database import Database
from charrnn.store.row_conversion import corpus_from_row
from charrnn.store.tables import CorpusOwnerRow, CorpusRow, ModelRow
from charrnn.store.upsert import insert_missing

_SHOWN = 5


class CorpusStore:
    """The corpora of one database."""

    def __init__(self, database: Database):
        self._database = database

    def add(self, corpus: Corpus, *, owner: str = "") -> Corpus:
        """Store a text's metadata; if the text exists already, its name and creation time are kept.

        Returns:
            The stored record.
        """
        values = {column: getattr(corpus, column) for column in CorpusRow.__table__.columns.keys()}
        values["name"] = corpus.name[:255]

        def transaction(session: Session) -> Corpus:
            insert_missing(session, CorpusRow, [values])
            add_owner(session, replace(corpus, name=values["name"]), owner)
            return corpus_from_row(session.get_one(CorpusRow, corpus.id))

        return self._database.write(transaction)

    def get(self, corpus_id: str, *, owner: str | None = None) -> Corpus:
        """Read a text's metadata.

        Raises:
            NotFound: There is no such text.
        """
        found = _read(self._database, _select(owner).where(CorpusRow.id == corpus_id))
        if not found:
            raise NotFound(f"There is no text with the id {corpus_id!r}. Add the text first.")
        return found[0]

    def find(self, prefix: str, *, owner: str | None = None) -> Corpus | None:
        """Find the text whose id starts with `prefix`.

        Raises:
            OptionError: Several ids start with `prefix`.
        """
        start = CorpusRow.id.startswith(prefix.strip().lower(), autoescape=True)
        found = _read(self._database, _select(owner).where(start).limit(2))
        if len(found) > 1:
            raise OptionError({"corpus": f"Several texts have ids that start with {prefix!r}. Give more of the id."})
        return found[0] if found else None

    def list(self, *, owner: str | None = None) -> list[Corpus]:
        """Read all texts, newest first."""
        return _read(self._database, _select(owner))

    def delete(self, corpus_id: str, *, owner: str | None = None) -> bool:
        """Remove a user's ownership of a text, and delete the text's metadata if it has no other owner.

        Returns:
            Whether the metadata were deleted, so that the files can be deleted, too.

        Raises:
            NotFound: There is no such text.
            StateError: A model uses the text, possibly a deleted one that can still be restored.
        """

        def transaction(session: Session) -> bool:
            row = session.get(CorpusRow, corpus_id, with_for_update=True)
            all_owners = select(CorpusOwnerRow.owner).where(CorpusOwnerRow.corpus_id == corpus_id)
            owners = set(session.scalars(all_owners))
            if row is None or (owner is not None and owner not in owners):
                raise NotFound(f"There is no text with the id {corpus_id!r}. It may have been deleted.")
            users = select(ModelRow.name).where(ModelRow.corpus_id == corpus_id).order_by(ModelRow.name)
            names = session.scalars(users if owner is None else users.where(ModelRow.owner == owner)).all()
            if names:
                shown = ", ".join(repr(name) for name in names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
                raise StateError(
                    f"The text {row.name!r} is used by {len(names)} model(s): {shown}. Purge these models first, or "
                    "assign another text to them."
                )
            user = owner or ""
            if user in owners and (len(owners) > 1 or session.scalars(users.limit(1)).first()):
                own_row = (CorpusOwnerRow.corpus_id == corpus_id, CorpusOwnerRow.owner == user)
                session.execute(delete(CorpusOwnerRow).where(*own_row))
                return False
            session.execute(delete(CorpusRow).where(CorpusRow.id == corpus_id))
            return True

        return self._database.write(transaction)


def _read(database: Database, statement: Select[CorpusRow, str]) -> list[Corpus]:
    return database.read(
        lambda session: [replace(corpus_from_row(row), name=name) for row, name in session.execute(statement)]
    )


def add_owner(session: Session, corpus: Corpus | CorpusRow, owner: str) -> None:
    """Add a user to the owners of a text."""
    values = {"corpus_id": corpus.id, "owner": owner, "name": corpus.name, "created_at": corpus.created_at}
    insert_missing(session, CorpusOwnerRow, [values])


def _select(owner: str | None) -> Select[CorpusRow, str]:
    """Select texts, newest first, each with its owner's name for it."""
    if owner is None:
        return select(CorpusRow, CorpusRow.name).order_by(CorpusRow.created_at.desc(), CorpusRow.id)
    named = select(CorpusRow, CorpusOwnerRow.name).join(CorpusOwnerRow, CorpusOwnerRow.corpus_id == CorpusRow.id)
    return named.where(CorpusOwnerRow.owner == owner).order_by(CorpusOwnerRow.created_at.desc(), CorpusRow.id)
