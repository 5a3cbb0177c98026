"""The one door to the database: short transactions that are tried again after a conflict. Knows no table."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Self

from sqlalchemy import select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from charrnn.store import driver_errors
from charrnn.store.database_clock import utc_now
from charrnn.store.database_engine import BUSY_SECONDS, WRITES, make_engine
from charrnn.store.database_url import parse_url
from charrnn.store.schema_version import is_newest

_LONGEST_PAUSE = 1.0  # seconds between two tries of the same transaction


class Database:
    """Connections to one database, safe to share between threads.

    Args:
        url: `sqlite:///FILE`, `sqlite://` (in memory), `mysql://…` or `mariadb://…`.

    Raises:
        StoreError: The URL is of another kind, or the folder of the SQLite file is missing.
    """

    def __init__(self, url: str | URL):
        self.url = parse_url(url)
        self.engine = make_engine(self.url)
        self._reading = sessionmaker(self.engine, expire_on_commit=False)
        self._writing = sessionmaker(self.engine.execution_options(**WRITES), expire_on_commit=False)
        self._writers = threading.Lock() if self.engine.dialect.name == "sqlite" else None

    def __repr__(self) -> str:
        return f"Database({self.url!r})"

    @classmethod
    def open(cls, url: str | URL) -> Self:
        """Connect, and make sure that the tables are there in this program's version.

        An empty database gets its tables; an older SQLite file is upgraded.

        Raises:
            StoreError: The database cannot be reached, holds something else, was made by a newer program, or is an
                older one on a server that others may be using (`charrnn db upgrade` upgrades it).
        """
        database = cls(url)
        try:
            if not database._explained(lambda: is_newest(database.engine)):
                database._upgrade_if_safe()
        except BaseException:
            database.close()
            raise
        return database

    def _upgrade_if_safe(self) -> None:
        from charrnn.store import migrate  # Alembic takes half a second to import, and is hardly ever needed

        if self._explained(lambda: migrate.must_upgrade(self.engine)):
            self.upgrade()

    def is_current(self) -> bool:
        """Return whether the database answers, and has this program's version.

        Raises:
            StoreError: The database cannot be reached.
        """
        return self._explained(lambda: is_newest(self.engine))

    def upgrade(self) -> None:
        """Bring the tables to this program's version; processes that try at once take turns.

        Raises:
            StoreError: The database holds something else, or was made by a newer program.
        """
        from charrnn.store import migrate

        # A long ALTER TABLE keeps a server silent for longer than a query ever may.
        engine = self.engine if self.engine.dialect.name == "sqlite" else make_engine(self.url, read_timeout=None)
        try:
            self._explained(lambda: migrate.upgrade(engine))
        finally:
            if engine is not self.engine:
                engine.dispose()

    def close(self) -> None:
        """Close all connections; a database in memory is gone then."""
        self.engine.dispose()

    def read[T](self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction that only reads; it waits for no writer.

        Raises:
            StoreError: The database cannot be reached or refuses.
        """
        return self._transaction(self._reading, work)

    def write[T](self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction and commit it; an exception from `work` undoes it.

        `work` runs again when another transaction got in its way, so it must change nothing but the database.

        Raises:
            StoreError: The database cannot be reached, refuses, or stays locked for 30 seconds.
            BrokenConstraint: A constraint was broken; the caller knows which ones can be.
        """
        with self._turn():
            return self._transaction(self._writing, work)

    def now(self) -> datetime:
        """Tell the database's time, naive UTC."""
        return self.read(lambda session: session.scalars(select(utc_now())).one())

    def _transaction[T](self, sessions: sessionmaker[Session], work: Callable[[Session], T]) -> T:
        def once() -> T:
            with sessions.begin() as session:
                return work(session)

        return self._explained(once)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let the writers of this process to a SQLite file, which takes one at a time, wait without a connection.

        Otherwise so many of them could wait that no connection is left for readers, and SQLite does not queue them.
        """
        if self._writers is None:
            yield
            return
        if not self._writers.acquire(timeout=BUSY_SECONDS):
            raise driver_errors.busy(self.url)
        try:
            yield
        finally:
            self._writers.release()

    def _explained[T](self, work: Callable[[], T]) -> T:
        deadline = time.monotonic() + BUSY_SECONDS
        tries = 0
        while True:
            try:
                return work()
            except SQLAlchemyError as error:
                is_conflict = isinstance(error, DBAPIError) and driver_errors.is_conflict(error)
                if not is_conflict or time.monotonic() > deadline:
                    raise driver_errors.explain(error, self.url) from error
            # Random, so that two that collided do not collide again.
            time.sleep(random.uniform(0, min(_LONGEST_PAUSE, 0.01 * 2**tries)))
            tries += 1
