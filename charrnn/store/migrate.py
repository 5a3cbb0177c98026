"""Upgrade a database's schema to this program's version, one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from charrnn.core.errors import StoreError
from charrnn.store import schema_version
from charrnn.store.database_engine import WRITES
from charrnn.store.schema_version import VERSION_TABLE, version_of
from charrnn.store.tables import Base

_LOCK_SECONDS = 60


def needs_upgrade(engine: Engine) -> bool:
    """Return whether `upgrade` must run before the database can be used; wait if another process creates the tables.

    Raises:
        StoreError: The database contains tables of another program, was created by a newer version, or is an older one
            on a server, where other programs may use it.
    """
    with _locked(engine) as connection:
        found = _version(connection)
        if found == schema_version.NEWEST:
            return False
        if found is not None and engine.dialect.name != "sqlite":
            raise StoreError(
                f"The database {engine.url!r} has schema version {found}, but this program needs "
                f"{schema_version.NEWEST}. Stop the other programs that use it and run `charrnn db upgrade`."
            )
        return True


def upgrade(engine: Engine) -> None:
    """Create the tables or upgrade them to this program's version, unless they are current.

    Raises:
        StoreError: The database contains tables of another program or was created by a newer version, or another
            process has been upgrading it for a minute.
    """
    with _locked(engine) as connection:
        if _version(connection) != schema_version.NEWEST:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    """Return the database's schema version; `None` if it contains none of this program's tables.

    Raises:
        StoreError: The database contains tables of another program, was created by a newer version, or its creation was
            interrupted.
    """
    tables = set(inspect(connection).get_table_names())
    found = version_of(connection)
    conflicting = sorted(tables & set(Base.metadata.tables))
    if found is None and VERSION_TABLE in tables and conflicting:
        raise StoreError(
            f"The creation of the tables in {connection.engine.url!r} was not completed. They are still empty: drop "
            f"{', '.join(conflicting)} and {VERSION_TABLE}, and start again."
        )
    if found is None and conflicting:
        raise StoreError(
            f"The database {connection.engine.url!r} has tables of another program named "
            f"{', '.join(conflicting)}. Use a separate database for this program."
        )
    if found is not None and found not in {script.revision for script in _scripts().walk_revisions()}:
        raise StoreError(
            f"The database {connection.engine.url!r} has schema version {found}, but this program supports versions up "
            f"to {schema_version.NEWEST}. Install the newer version of the program, or use another database."
        )
    return found


@contextmanager
def _locked(engine: Engine) -> Iterator[Connection]:
    on_sqlite = engine.dialect.name == "sqlite"
    with engine.execution_options(**WRITES).connect() as connection, _without_cascades(connection, on_sqlite):
        if on_sqlite:
            # BEGIN IMMEDIATE locks the database, and the whole upgrade is one transaction.
            with connection.begin():
                yield connection
            return
        lock = {"name": _lock_name(engine)}
        if connection.scalar(text(f"SELECT GET_LOCK(:name, {_LOCK_SECONDS})"), lock) != 1:
            raise StoreError(
                f"Another process has been upgrading the database {engine.url!r} for {_LOCK_SECONDS} seconds. "
                "Wait until it has finished, and start again."
            )
        try:
            yield connection
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), lock)


def _lock_name(engine: Engine) -> str:
    """Return the lock name of a database; locks are shared by the whole server, and names are limited to 64 characters.

    Names are lower-cased, because some servers ignore the case of database names. If two databases share a lock, their
    upgrades only wait for each other.
    """
    database = (engine.url.database or "").lower()
    return f"charrnn.{sha256(database.encode()).hexdigest()[:32]}"


@contextmanager
def _without_cascades(connection: Connection, on_sqlite: bool) -> Iterator[None]:
    # To change a column in SQLite, Alembic copies the table and drops the old one, which would delete all rows that
    # refer to it. The pragma has no effect inside a transaction, so this bypasses SQLAlchemy, which would begin one.
    driver = connection.connection.driver_connection
    if not on_sqlite or driver is None:
        yield
        return
    driver.execute("PRAGMA foreign_keys = OFF").close()
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON").close()


def _config() -> Config:
    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
