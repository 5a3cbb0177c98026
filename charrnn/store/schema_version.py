"""Read a database's schema version without importing Alembic, which most programs do not need."""

from sqlalchemy import Connection, Engine, inspect, text

NEWEST = "0003"
"""The version that this program needs: the last revision in `migrations/versions`."""

VERSION_TABLE = "charrnn_version"
"""Alembic's default name would collide with other programs that share the database."""


def is_newest(engine: Engine) -> bool:
    """Return whether the schema has the version that this program needs."""
    with engine.connect() as connection:
        return version_of(connection) == NEWEST


def version_of(connection: Connection) -> str | None:
    """Return the database's schema version; `None` if it has none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    return version
