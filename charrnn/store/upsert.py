"""Insert rows, some of which may exist already, into SQLite, MySQL and MariaDB."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.orm import Session

from charrnn.store.tables import Base

Rows = Sequence[Mapping[str, Any]]


def insert_many(session: Session, kind: type[Base], columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert many new rows with the driver's bulk insert.

    The values bypass SQLAlchemy's column types, whose processing of each value would take most of the time.
    """
    if rows:
        connection = session.connection()
        quote = connection.dialect.identifier_preparer.quote
        names = ", ".join(quote(name) for name in columns)
        marks = ", ".join(["%s" if connection.dialect.name == "mysql" else "?"] * len(columns))
        # PyMySQL sends many rows in one statement only if the statement has exactly this form.
        connection.exec_driver_sql(f"INSERT INTO {kind.__tablename__} ({names}) VALUES ({marks})", list(rows))


def insert_missing(session: Session, kind: type[Base], rows: Rows) -> None:
    """Insert rows; existing rows with the same keys are kept."""
    _insert(session, _table(kind), rows, changed=())


def insert_or_replace(session: Session, kind: type[Base], rows: Rows) -> None:
    """Insert rows; existing rows with the same keys are replaced."""
    table = _table(kind)
    keys = set(table.primary_key.columns.keys())
    _insert(session, table, rows, changed=[name for name in table.columns.keys() if name not in keys])


def _insert(session: Session, table: Table, rows: Rows, *, changed: Sequence[str]) -> None:
    if not rows:
        return
    connection = session.connection()
    keys = table.primary_key.columns.keys()
    if connection.dialect.name == "mysql":
        into_mysql = mysql.insert(table)
        # INSERT IGNORE would also hide other errors. Setting a key to itself changes nothing.
        same = {keys[0]: table.c[keys[0]]}
        values = {name: into_mysql.inserted[name] for name in changed} or same
        connection.execute(into_mysql.on_duplicate_key_update(values), rows)
        return
    into_sqlite = sqlite.insert(table)
    new = {name: into_sqlite.excluded[name] for name in changed}
    if new:
        connection.execute(into_sqlite.on_conflict_do_update(index_elements=keys, set_=new), rows)
    else:
        connection.execute(into_sqlite.on_conflict_do_nothing(index_elements=keys), rows)


def _table(kind: type[Base]) -> Table:
    return Base.metadata.tables[kind.__tablename__]
