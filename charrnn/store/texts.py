"""Corpora as rows: what is known about each text. The characters themselves lie in files (`charrnn.store.corpora`)."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from charrnn.core.errors import NotFound, OptionError, StateError
from charrnn.core.records import Corpus
from charrnn.store.database import Database
from charrnn.store.rows import corpus_of
from charrnn.store.tables import CorpusRow, ModelRow
from charrnn.store.upsert import insert_missing

_SHOWN = 5


class CorpusStore:
    """The corpora of one database."""

    def __init__(self, database: Database):
        self._database = database

    def add(self, corpus: Corpus) -> Corpus:
        """Remember a text; one that is known already keeps its first name and time.

        Returns:
            What is stored.
        """
        values = {column: getattr(corpus, column) for column in CorpusRow.__table__.columns.keys()}
        values["name"] = corpus.name[:255]

        def work(session: Session) -> Corpus:
            insert_missing(session, CorpusRow, [values])
            return corpus_of(session.get_one(CorpusRow, corpus.id))

        return self._database.write(work)

    def get(self, corpus_id: str) -> Corpus:
        """Read what is known about a text.

        Raises:
            NotFound: There is no such text.
        """
        row = self._database.read(lambda session: session.get(CorpusRow, corpus_id))
        if row is None:
            raise NotFound(f"There is no text with the id {corpus_id!r}. Add the text first.")
        return corpus_of(row)

    def find(self, prefix: str) -> Corpus | None:
        """Look for the text whose id begins like this.

        Raises:
            OptionError: Several do.
        """
        start = CorpusRow.id.startswith(prefix.strip().lower(), autoescape=True)
        rows = self._database.read(lambda session: session.scalars(select(CorpusRow).where(start).limit(2)).all())
        if len(rows) > 1:
            raise OptionError({"corpus": f"Several texts have ids that begin with {prefix!r}. Give more of the id."})
        return corpus_of(rows[0]) if rows else None

    def list(self) -> list[Corpus]:
        """Read all texts, newest first."""
        statement = select(CorpusRow).order_by(CorpusRow.created_at.desc(), CorpusRow.id)
        return self._database.read(lambda session: [corpus_of(row) for row in session.scalars(statement)])

    def delete(self, corpus_id: str) -> None:
        """Forget a text; its files go after this.

        Raises:
            NotFound: There is no such text.
            StateError: A model uses it, perhaps a deleted one that can still be restored.
        """

        def work(session: Session) -> None:
            row = session.get(CorpusRow, corpus_id, with_for_update=True)
            if row is None:
                raise NotFound(f"There is no text with the id {corpus_id!r}. It may have been deleted already.")
            users = select(ModelRow.name).where(ModelRow.corpus_id == corpus_id).order_by(ModelRow.name)
            names = session.scalars(users).all()
            if names:
                shown = ", ".join(repr(name) for name in names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
                raise StateError(
                    f"The text {row.name!r} is used by {len(names)} model(s): {shown}. Purge them first, or give them "
                    "another text."
                )
            session.execute(delete(CorpusRow).where(CorpusRow.id == corpus_id))

        self._database.write(work)
