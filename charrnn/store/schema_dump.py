"""Write the schema as SQL files: `python -m charrnn.store.schema_dump` updates `sql/schema.*.sql`."""

from pathlib import Path

from sqlalchemy import Dialect
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from charrnn.store.schema_version import NEWEST, VERSION_TABLE
from charrnn.store.tables import Base

_DIALECTS: dict[str, type[Dialect]] = {"sqlite": sqlite.dialect, "mysql": mysql.dialect}

_HEADER = """\
-- Made by `python -m charrnn.store.schema_dump` from charrnn/store/tables.py. Change the tables there, not here.
-- The program creates these tables itself; this file is for reading, and for those who create them by hand.
"""


def schema(dialect_name: str) -> str:
    """Write all tables as SQL that an empty database can load.

    Args:
        dialect_name: `sqlite` or `mysql`; the latter is for MariaDB too.
    """
    dialect = _DIALECTS[dialect_name]()
    statements: list[str] = []
    for table in Base.metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in indexes]
    # Without its version the program would take the tables for another program's.
    statements.append(f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    statements.append(f"INSERT INTO {VERSION_TABLE} (version_num) VALUES ('{NEWEST}')")
    return _HEADER + "".join(f"\n{_tidy(statement)};\n" for statement in statements)


def write(folder: Path) -> None:
    """Write one file for each kind of database into `folder`."""
    for name in _DIALECTS:
        (folder / f"schema.{name}.sql").write_text(schema(name), encoding="utf-8")


def _tidy(statement: str) -> str:
    lines = (line.rstrip().replace("\t", "    ") for line in statement.strip().splitlines())
    return "\n".join(line for line in lines if line).replace(")ENGINE", ") ENGINE").replace(")\n WITHOUT", ") WITHOUT")


if __name__ == "__main__":
    write(Path("sql"))
