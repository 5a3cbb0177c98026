"""Run short transactions on a database, and retry them after conflicts."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Self

from sqlalchemy import event, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from charrnn.store import driver_errors
from charrnn.store.database_clock import utc_now
from charrnn.store.database_engine import BUSY_SECONDS, WRITES, make_engine
from charrnn.store.database_url import parse_url
from charrnn.store.schema_version import is_newest

_MAX_PAUSE = 1.0
"""Maximum time between two attempts of the same transaction, in seconds."""


class Database:
    """Connections to one database; thread-safe.

    Args:
        url: `sqlite:///FILE`, `sqlite://` (in memory), `mysql://…` or `mariadb://…`.

    Raises:
        StoreError: The URL is invalid, or the folder of the SQLite file is missing.
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
        """Connect to a database, and ensure that its schema has this program's version.

        In an empty database, the tables are created. An older SQLite file is upgraded. An older database on a server
        is not, because other programs may use it; `charrnn db upgrade` upgrades it.

        Raises:
            StoreError: The database cannot be reached, contains tables of another program, was created by a newer
                version, or is an older one on a server.
        """
        database = cls(url)
        try:
            if not database._with_retries(lambda: is_newest(database.engine)):
                database._upgrade_if_safe()
        except BaseException:
            database.close()
            raise
        return database

    def _upgrade_if_safe(self) -> None:
        from charrnn.store import migrate  # importing Alembic takes half a second and is rarely needed

        if self._with_retries(lambda: migrate.needs_upgrade(self.engine)):
            self.upgrade()

    def is_current(self) -> bool:
        """Return whether the database responds and its schema has this program's version.

        Raises:
            StoreError: The database cannot be reached.
        """
        return self._with_retries(lambda: is_newest(self.engine))

    def upgrade(self) -> None:
        """Upgrade the schema to this program's version; concurrent calls wait for each other.

        Raises:
            StoreError: The database contains tables of another program, or was created by a newer version.
        """
        from charrnn.store import migrate

        # The server sends nothing during ALTER TABLE, which may take longer than the read timeout of queries.
        engine = self.engine if self.engine.dialect.name == "sqlite" else make_engine(self.url, read_timeout=None)
        try:
            self._with_retries(lambda: migrate.upgrade(engine))
        finally:
            if engine is not self.engine:
                engine.dispose()

    def close(self) -> None:
        """Close all connections, those in use when their threads return them; an in-memory database is lost."""
        event.listen(self.engine, "checkin", lambda connection, record: record.invalidate())
        self.engine.dispose()

    def read[T](self, transaction: Callable[[Session], T]) -> T:
        """Run a read-only transaction, which never waits for writers.

        Raises:
            StoreError: The database cannot be reached, or rejects the query.
        """
        return self._run(self._reading, transaction)

    def write[T](self, transaction: Callable[[Session], T]) -> T:
        """Run a transaction and commit it; an exception rolls it back.

        `transaction` is called again after a conflict with another transaction, so it must have no side effects other
        than changes of the database.

        Raises:
            StoreError: The database cannot be reached, rejects a change, or stays locked for 30 seconds.
            ConstraintError: A constraint was violated; the caller must handle violations that it expects.
        """
        with self._write_lock():
            return self._run(self._writing, transaction)

    def now(self) -> datetime:
        """Return the database's current time, as naive UTC."""
        return self.read(lambda session: session.scalars(select(utc_now())).one())

    def _run[T](self, sessions: sessionmaker[Session], transaction: Callable[[Session], T]) -> T:
        def attempt() -> T:
            with sessions.begin() as session:
                return transaction(session)

        return self._with_retries(attempt)

    @contextmanager
    def _write_lock(self) -> Iterator[None]:
        """Serialize this process's writers to a SQLite file, which wait without holding a connection.

        SQLite allows one writer at a time and does not queue the others. If they waited for SQLite, they could use up
        all connections.
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

    def _with_retries[T](self, operation: Callable[[], T]) -> T:
        """Run an operation, with retries after conflicts, and translate SQLAlchemy's errors."""
        deadline = time.monotonic() + BUSY_SECONDS
        attempts = 0
        while True:
            try:
                return operation()
            except SQLAlchemyError as error:
                is_conflict = isinstance(error, DBAPIError) and driver_errors.is_conflict(error)
                if not is_conflict or time.monotonic() > deadline:
                    raise driver_errors.translate(error, self.url) from error
            # The pause is random, so that two colliding transactions do not collide again.
            time.sleep(random.uniform(0, min(_MAX_PAUSE, 0.01 * 2**attempts)))
            attempts += 1
