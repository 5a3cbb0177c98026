"""Store what is known about each corpus as rows. The text itself is in a file (`charrnn.store.corpus_files`).

A text that several users bring in is one row; each of them has a row of `corpus_owner`, with a name of their own.
Wherever there is an `owner`, `None` stands for whoever sees everybody's.
"""

from dataclasses import replace

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from charrnn.core.errors import NotFound, OptionError, StateError
from charrnn.core.records import Corpus
from charrnn.store.database import Database
from charrnn.store.model_rows import corpus_of
from charrnn.store.tables import CorpusOwnerRow, CorpusRow, ModelRow
from charrnn.store.upsert import insert_missing

_SHOWN = 5


class CorpusStore:
    """The corpora of one database."""

    def __init__(self, database: Database):
        self._database = database

    def add(self, corpus: Corpus, *, owner: str = "") -> Corpus:
        """Remember a text; one that is known already keeps its first name and time.

        Returns:
            What is stored.
        """
        values = {column: getattr(corpus, column) for column in CorpusRow.__table__.columns.keys()}
        values["name"] = corpus.name[:255]

        def work(session: Session) -> Corpus:
            insert_missing(session, CorpusRow, [values])
            own(session, replace(corpus, name=values["name"]), owner)
            return corpus_of(session.get_one(CorpusRow, corpus.id))

        return self._database.write(work)

    def get(self, corpus_id: str, *, owner: str | None = None) -> Corpus:
        """Read what is known about a text.

        Raises:
            NotFound: There is no such text.
        """
        found = _read(self._database, _of(owner).where(CorpusRow.id == corpus_id))
        if not found:
            raise NotFound(f"There is no text with the id {corpus_id!r}. Add the text first.")
        return found[0]

    def find(self, prefix: str, *, owner: str | None = None) -> Corpus | None:
        """Look for the text whose id begins like this.

        Raises:
            OptionError: Several do.
        """
        start = CorpusRow.id.startswith(prefix.strip().lower(), autoescape=True)
        found = _read(self._database, _of(owner).where(start).limit(2))
        if len(found) > 1:
            raise OptionError({"corpus": f"Several texts have ids that begin with {prefix!r}. Give more of the id."})
        return found[0] if found else None

    def list(self, *, owner: str | None = None) -> list[Corpus]:
        """Read all texts, newest first."""
        return _read(self._database, _of(owner))

    def delete(self, corpus_id: str, *, owner: str | None = None) -> bool:
        """Forget a text; its files go after this, unless it is somebody else's, too.

        Returns:
            Whether nobody has it any more.

        Raises:
            NotFound: There is no such text.
            StateError: A model uses it, perhaps a deleted one that can still be restored.
        """

        def work(session: Session) -> bool:
            row = session.get(CorpusRow, corpus_id, with_for_update=True)
            rest = select(CorpusOwnerRow.owner).where(CorpusOwnerRow.corpus_id == corpus_id)
            owners = set(session.scalars(rest))
            if row is None or (owner is not None and owner not in owners):
                raise NotFound(f"There is no text with the id {corpus_id!r}. It may have been deleted already.")
            users = select(ModelRow.name).where(ModelRow.corpus_id == corpus_id).order_by(ModelRow.name)
            names = session.scalars(users if owner is None else users.where(ModelRow.owner == owner)).all()
            if names:
                shown = ", ".join(repr(name) for name in names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
                raise StateError(
                    f"The text {row.name!r} is used by {len(names)} model(s): {shown}. Purge them first, or give them "
                    "another text."
                )
            own = owner or ""
            if own in owners and (len(owners) > 1 or session.scalars(users.limit(1)).first()):
                whose = (CorpusOwnerRow.corpus_id == corpus_id, CorpusOwnerRow.owner == own)
                session.execute(delete(CorpusOwnerRow).where(*whose))
                return False
            session.execute(delete(CorpusRow).where(CorpusRow.id == corpus_id))
            return True

        return self._database.write(work)


def _read(database: Database, statement: Select[CorpusRow, str]) -> list[Corpus]:
    return database.read(
        lambda session: [replace(corpus_of(row), name=name) for row, name in session.execute(statement)]
    )


def own(session: Session, corpus: Corpus | CorpusRow, owner: str) -> None:
    """Make a text somebody's, beside those whose it is already."""
    owned = {"corpus_id": corpus.id, "owner": owner, "name": corpus.name, "created_at": corpus.created_at}
    insert_missing(session, CorpusOwnerRow, [owned])


def _of(owner: str | None) -> Select[CorpusRow, str]:
    """Select texts, newest first, each with what its owner calls it."""
    if owner is None:
        return select(CorpusRow, CorpusRow.name).order_by(CorpusRow.created_at.desc(), CorpusRow.id)
    named = select(CorpusRow, CorpusOwnerRow.name).join(CorpusOwnerRow, CorpusOwnerRow.corpus_id == CorpusRow.id)
    return named.where(CorpusOwnerRow.owner == owner).order_by(CorpusOwnerRow.created_at.desc(), CorpusRow.id)
