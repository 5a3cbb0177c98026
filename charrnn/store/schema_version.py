"""Read a database's schema version without importing Alembic, which is slow and rarely needed."""

from sqlalchemy import Connection, Engine, inspect, text

NEWEST = "0004"
"""Schema version of this program: the last revision in `migrations/versions`."""

VERSION_TABLE = "charrnn_version"
"""Table with the schema version; Alembic's default name would collide with other programs in the same database."""


def is_newest(engine: Engine) -> bool:
    """Return whether the database has this program's schema version."""
    with engine.connect() as connection:
        return version_of(connection) == NEWEST


def version_of(connection: Connection) -> str | None:
    """Return the database's schema version; `None` if it has none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    return version
