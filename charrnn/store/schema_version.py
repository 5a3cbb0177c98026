"""Which version a database's tables have, read without Alembic: most programs only need to know that it is theirs."""

from sqlalchemy import Connection, Engine, inspect, text

NEWEST = "0003"
"""What this program needs: the last revision under `migrations/versions`."""

VERSION_TABLE = "charrnn_version"
"""Alembic's own name for it would collide with other programs that share the database."""


def is_newest(engine: Engine) -> bool:
    """Tell whether the tables are there and as this program needs them."""
    with engine.connect() as connection:
        return version_of(connection) == NEWEST


def version_of(connection: Connection) -> str | None:
    """Return the database's version; `None` when it has none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    return version
