"""Create engines for SQLite, MySQL and MariaDB whose connections and transactions behave the same."""

import json
import logging
import ssl
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import URL

from charrnn.core.errors import StoreError
from charrnn.store import sqlite_file
from charrnn.store.database_clock import SQLITE_FUNCTION, sqlite_utc

BUSY_SECONDS = 30
"""Maximum time that a transaction waits for others before it fails."""

POOL = {"pool_size": 10, "max_overflow": 20}
"""Number of connections that a process keeps open, and of additional ones under load."""

WRITES = {"charrnn_writes": True}
"""Execution options of an engine whose transactions write."""

_to_json = partial(json.dumps, allow_nan=False, ensure_ascii=False)


_POOL = "charrnn"
# A broken connection is replaced and the caller gets an error, so the pool's traceback would be redundant.
logging.getLogger(f"sqlalchemy.pool.impl.QueuePool.{_POOL}").setLevel(logging.CRITICAL)


def make_engine(url: URL, *, read_timeout: int | None = 120) -> Engine:
    """Create an engine without opening a connection.

    Args:
        url: URL as returned by `charrnn.store.database_url.parse_url`.
        read_timeout: Seconds without a response after which a MySQL server counts as unavailable; `None` for no limit.

    Raises:
        StoreError: The folder of the SQLite file does not exist.
    """
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    return _mysql(url, read_timeout)


def _sqlite(url: URL) -> Engine:
    in_memory = url.database in (None, "", ":memory:")
    folder = Path(url.database or "").parent
    if not in_memory and not folder.is_dir():
        raise StoreError(
            f"The folder {str(folder)!r} of the database file does not exist. Create it, or set CHARRNN_HOME or "
            "CHARRNN_DATABASE_URL to another path."
        )
    # An in-memory database belongs to a single connection, so all threads share one that is never replaced.
    pool = {"pool_size": 1, "max_overflow": 0} if in_memory else POOL
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_timeout=BUSY_SECONDS,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "isolation_level": None},
        json_serializer=_to_json,
        hide_parameters=True,
        pool_logging_name=_POOL,
        **pool,
    )
    if not in_memory:
        event.listen(engine, "do_connect", lambda *_: sqlite_file.prepare(Path(str(url.database)).absolute()))
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: object) -> None:
    if path := connection.execute("PRAGMA database_list").fetchone()[2]:  # empty in memory
        (journal_mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        sqlite_file.check_write_ahead_log(path, journal_mode)
    # With FULL, committed transactions survive a power failure, so every synced checkpoint folder keeps its row.
    for pragma in ("synchronous = FULL", "fullfsync = ON", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}").close()
    connection.create_function(SQLITE_FUNCTION, 1, sqlite_utc)


def _begin_sqlite(connection: Connection) -> None:
    # In SQLite, a transaction that reads before it writes fails instead of waiting for the write lock, so writers
    # acquire the lock at the beginning. Readers need no lock and never wait.
    writes = connection.get_execution_options().get("charrnn_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _mysql(url: URL, read_timeout: int | None) -> Engine:
    connect_args: dict[str, Any] = {
        "connect_timeout": 10,
        "read_timeout": read_timeout,
        "write_timeout": read_timeout,
        # Without strict mode, a server truncates values that are too long instead of rejecting them.
        "sql_mode": "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
        "init_command": f"SET SESSION innodb_lock_wait_timeout = {BUSY_SECONDS // 3}",
    }
    if "tls" in url.query:
        # Without an SSL context that verifies certificates, PyMySQL falls back to an unencrypted connection.
        connect_args["ssl"] = ssl.create_default_context()
    return create_engine(
        url.difference_update_query(["tls", "charset"]).update_query_dict({"charset": "utf8mb4"}),
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_recycle=1800,
        pool_timeout=BUSY_SECONDS,
        connect_args=connect_args,
        json_serializer=_to_json,
        hide_parameters=True,
        pool_logging_name=_POOL,
        **POOL,
    )
