"""Tests of schema migrations: creation, upgrades, rejected databases and locking."""

import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Inspector, inspect, text

from charrnn.core.errors import StoreError
from charrnn.store import migrate, schema_version
from charrnn.store.corpora import CorpusStore
from charrnn.store.database import Database
from charrnn.store.migrate import needs_upgrade
from charrnn.store.models import ModelStore
from charrnn.store.run_history import HistoryBatch, HistoryStore
from charrnn.store.schema_version import NEWEST, VERSION_TABLE
from charrnn.store.tables import Base
from charrnn.store.training_leases import LeaseStore
from tests.store.conftest import HAMLET

ROOT = Path(__file__).parents[2]

NEXT_VERSION = '''
from alembic import op
from sqlalchemy import Column, Integer

revision = "next"
down_revision = "NEWEST"


def upgrade():
    """Add a column to one table, and change another so that Alembic copies it on SQLite."""
    op.add_column("model", Column("stars", Integer, server_default="3", nullable=False))
    recreate = "always" if op.get_context().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("corpus", recreate=recreate) as table:
        table.add_column(Column("language", Integer))
'''


def tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names())


def run(database: Database, *statements: str) -> None:
    """Run SQL statements directly."""
    database.write(lambda session: [session.execute(text(statement)) for statement in statements])


@pytest.fixture
def opened(empty_url):
    database = Database.open(empty_url)
    yield database
    database.close()


@pytest.fixture
def newer_program(tmp_path, monkeypatch):
    """Return a function that adds a newer schema version to the program."""

    def install():
        (tmp_path / "versions").mkdir()
        (tmp_path / "versions" / "next.py").write_text(NEXT_VERSION.replace("NEWEST", NEWEST))
        migrations = Path(migrate.__file__).parent / "migrations"

        def config() -> Config:
            extended = Config()
            extended.set_main_option("script_location", str(migrations))
            extended.set_main_option("path_separator", "os")
            folders = [f"{migrations}/versions", f"{tmp_path}/versions"]
            extended.set_main_option("version_locations", os.pathsep.join(folders))
            return extended

        monkeypatch.setattr(migrate, "_config", config)
        monkeypatch.setattr(schema_version, "NEWEST", "next")

    return install


def test_empty_database_gets_all_tables_and_the_version(opened):
    assert tables(opened) == {*Base.metadata.tables, VERSION_TABLE}
    assert not needs_upgrade(opened.engine)


def test_newest_version_is_the_last_migration():
    assert ScriptDirectory.from_config(migrate._config()).get_current_head() == NEWEST


def test_opening_a_current_database_does_not_import_alembic(tmp_path):
    url = f"sqlite:///{tmp_path}/studio.sqlite3"
    Database.open(url).close()
    script = f"""
import sys
from charrnn.store.database import Database
Database.open({url!r})
print("alembic" in sys.modules)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_opening_a_current_database_changes_nothing(opened):
    model = ModelStore(opened).create("kept")
    again = Database.open(opened.url)
    again.upgrade()
    assert ModelStore(again).get(model.id) == model
    again.close()


def test_migrations_create_the_declared_tables(opened):
    with opened.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": False}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_database_of_a_newer_version_is_rejected_unchanged(opened):
    run(opened, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    for call in (lambda: Database.open(opened.url), opened.upgrade):
        with pytest.raises(StoreError, match="has schema version 9999, but this program supports versions up"):
            call()
    assert opened.read(lambda session: session.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))) == "9999"


def test_tables_of_another_program_are_rejected_unchanged(empty_url):
    other = Database(empty_url)
    run(other, "CREATE TABLE model (id INTEGER)", "INSERT INTO model VALUES (7)")
    with pytest.raises(StoreError, match="has tables of another program named model. Use a separate database"):
        Database.open(empty_url)
    assert tables(other) == {"model"}
    assert other.read(lambda session: session.scalar(text("SELECT id FROM model"))) == 7
    other.close()


def test_tables_with_other_names_are_ignored(empty_url):
    other = Database(empty_url)
    run(other, "CREATE TABLE alembic_version (version_num VARCHAR(32))", "CREATE TABLE poems (id INTEGER)")
    Database.open(empty_url).close()
    assert {"poems", "alembic_version", "model"} <= tables(other)
    other.close()


def test_interrupted_creation_error_says_what_to_drop(empty_url):
    interrupted = Database(empty_url)
    run(interrupted, f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32))", "CREATE TABLE corpus (id INTEGER)")
    with pytest.raises(StoreError, match=f"They are still empty: drop corpus and {VERSION_TABLE}, and start again"):
        Database.open(empty_url)
    interrupted.close()


def test_older_sqlite_file_is_upgraded_on_opening_without_loss(tmp_path, newer_program):
    url = f"sqlite:///{tmp_path}/old.sqlite3"
    model_id = create_trained_model(url)
    newer_program()
    database = Database.open(url)
    assert not needs_upgrade(database.engine)
    assert is_kept(database, model_id)
    assert database.read(lambda session: session.scalar(text("PRAGMA foreign_keys"))) == 1
    database.close()


def test_older_server_database_is_upgraded_on_request(empty_server_url, newer_program):
    model_id = create_trained_model(empty_server_url)
    newer_program()
    with pytest.raises(StoreError, match=f"has schema version {NEWEST}, but this program needs next. Stop the other"):
        Database.open(empty_server_url)
    older = Database(empty_server_url)
    older.upgrade()
    older.close()
    database = Database.open(empty_server_url)
    assert is_kept(database, model_id)
    database.close()


def test_failed_upgrade_leaves_a_sqlite_file_unchanged(tmp_path, newer_program):
    url = f"sqlite:///{tmp_path}/old.sqlite3"
    model_id = create_trained_model(url)
    newer_program()
    script = tmp_path / "versions" / "next.py"
    script.write_text(script.read_text() + "    raise ArithmeticError\n")
    with pytest.raises(ArithmeticError):
        Database.open(url)
    database = Database(url)
    assert database.read(lambda session: session.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))) == NEWEST
    assert "stars" not in columns(inspect(database.engine))
    assert HistoryStore(database).lines(model_id)[0].text == "kept"
    database.close()


def test_two_processes_can_open_a_new_database_at_once(empty_url):
    code = (
        "import sys; from charrnn.store.database import Database; from charrnn.store.models import ModelStore\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "database = Database.open(sys.argv[1]); ModelStore(database).create(sys.argv[2]); database.close()"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, empty_url, name], cwd=ROOT, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for name in ("one", "two")
    ]  # fmt: skip
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    errors = [process.communicate()[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], errors
    database = Database.open(empty_url)
    assert {model.name for model in ModelStore(database).list()} == {"one", "two"}
    database.close()


@pytest.mark.parametrize("existing", ["a version", "some tables"])
def test_defect_opening_waits_for_a_database_under_construction(empty_url, existing):
    """On a server, each table is visible once it is created, so a partial schema was mistaken for a complete one."""
    url, creator = empty_url, Database(empty_url)
    opened = []
    other = threading.Thread(target=lambda: opened.append(Database.open(url)))
    with migrate._locked(creator.engine) as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        if existing == "a version":
            command.upgrade(config, "0001")
        else:
            Base.metadata.tables["corpus"].create(connection)
        other.start()
        other.join(0.5)
        assert not opened
        if existing == "some tables":
            Base.metadata.tables["corpus"].drop(connection)
        command.upgrade(config, "head")
    other.join()
    assert ModelStore(opened[0]).list() == []
    for database in (creator, *opened):
        database.close()


def test_wheel_contains_the_migrations(tmp_path):
    for name in ("charrnn", "pyproject.toml", "README.md", "LICENSE"):
        (tmp_path / name).symlink_to(ROOT / name)
    build = "from setuptools import build_meta; build_meta.build_wheel('.')"
    built = subprocess.run([sys.executable, "-c", build], cwd=tmp_path, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    code = (
        "import charrnn; from charrnn.store.database import Database\n"
        "Database.open('sqlite:///new.sqlite3').close(); print(charrnn.__file__)"
    )
    environ = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    result = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, env=environ, capture_output=True, text=True
    )
    assert result.stdout.startswith(str(tmp_path / "installed")), result.stderr


def create_trained_model(url: str) -> str:
    """Create a database of this version with a model and a log line; return the model's id."""
    database = Database.open(url)
    model = ModelStore(database).create("hamlet", corpus_id=CorpusStore(database).add(HAMLET).id)
    LeaseStore(database).queue(model.id)
    LeaseStore(database).claim(model.id, "me", seconds=60)
    HistoryStore(database).append(model.id, 1, HistoryBatch(first_position=1, lines=[("kept", "info")]), seconds=60)
    database.close()
    return model.id


def is_kept(database: Database, model_id: str) -> bool:
    model = ModelStore(database).get(model_id)
    lines = HistoryStore(database).lines(model_id)
    stars = database.read(lambda session: session.scalar(text("SELECT stars + is_in_progress FROM model")))
    return (model.corpus_id, [line.text for line in lines], stars) == (HAMLET.id, ["kept"], 4)


def columns(inspector: Inspector) -> set[str]:
    return {column["name"] for column in inspector.get_columns("model")}
