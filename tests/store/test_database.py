"""Tests of transactions: atomicity, locks, retries and errors."""

import os
import socket
import sqlite3
import tempfile
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from charrnn.core.errors import ConstraintError, StoreError, StoreUnavailable
from charrnn.store.database import Database
from charrnn.store.database_url import url_from_environment
from charrnn.store.driver_errors import is_missing_parent
from charrnn.store.models import ModelStore
from charrnn.store.tables import ModelRow
from tests.support.database_servers import KINDS, ask, unique
from tests.support.waiting import TIMEOUT

NOBODY = 65534
READABLE_BY_ALL = 0o755
READ_ONLY = 0o555
SECRET = "hid" + "den"  # split, because a traceback shows the lines of this file


def note(session, model_id, notes):
    session.execute(update(ModelRow).where(ModelRow.id == model_id).values(notes=notes))


@contextmanager
def without_root_privileges():
    """Run the block as an unprivileged user if this is root, who can write everywhere."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def open_folder():
    """Yield a folder that other users can read, unlike pytest's temporary folders."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, READABLE_BY_ALL)
        yield Path(folder)


def test_failed_transaction_is_rolled_back(database, models):
    model = models.create("x")

    def transaction(session):
        note(session, model.id, "half")
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        database.write(transaction)
    assert models.get(model.id) == model


@pytest.mark.parametrize("database", ["file", *KINDS], indirect=True)
def test_reader_sees_the_last_commit_without_waiting(database, models):
    model = models.create("x")

    def transaction(session):
        note(session, model.id, "new")
        with ThreadPoolExecutor(1) as reader:
            return reader.submit(models.get, model.id).result(timeout=60).notes

    assert database.write(transaction) == ""
    assert models.get(model.id).notes == "new"


@pytest.mark.parametrize("database", KINDS, indirect=True)
def test_deadlocked_transactions_both_succeed_after_a_retry(database, models):
    first, second = (models.create(name).id for name in "ab")
    both_hold_one = threading.Barrier(2)
    attempts = []

    def crossing(held, wanted):
        def transaction(session):
            attempts.append(held)
            note(session, held, f"held by {held}")
            if len(attempts) <= 2:
                both_hold_one.wait(timeout=60)
            note(session, wanted, f"wanted by {held}")

        database.write(transaction)

    with ThreadPoolExecutor(2) as threads:
        for result in [threads.submit(crossing, first, second), threads.submit(crossing, second, first)]:
            result.result()
    assert len(attempts) == 3


@pytest.mark.parametrize("database", ["file", *KINDS], indirect=True)
def test_waiting_writer_runs_after_the_other_commits(database, models):
    model = models.create("x")
    with ThreadPoolExecutor(1) as other:

        def transaction(session):
            note(session, model.id, "first")
            return other.submit(models.update, model.id, name="second")

        waiting = database.write(transaction)
        assert (waiting.result().name, waiting.result().notes) == ("second", "first")


@pytest.mark.parametrize("database", ["file"], indirect=True)
def test_sqlite_writer_reads_nothing_before_it_holds_the_lock(database):
    """Two concurrent transactions that read before they write would conflict and be retried repeatedly."""
    has_read = threading.Event()

    def second(session):
        session.execute(text("SELECT count(*) FROM model"))
        has_read.set()

    with ThreadPoolExecutor(1) as other:

        def first(session):
            session.execute(text("SELECT count(*) FROM model"))
            other.submit(database.write, second)
            return has_read.wait(timeout=0.2)

        assert database.write(first) is False
    assert has_read.is_set()


@pytest.fixture
def small_pool(monkeypatch):
    """Limit the pool to three connections and a short wait."""
    monkeypatch.setattr("charrnn.store.database_engine.POOL", {"pool_size": 2, "max_overflow": 1})
    monkeypatch.setattr("charrnn.store.database_engine.BUSY_SECONDS", 3)


def test_waiting_sqlite_writers_leave_a_connection_for_readers(small_pool, tmp_path):
    database = Database.open(f"sqlite:///{tmp_path}/new.sqlite3")
    models = ModelStore(database)
    model = models.create("x")
    with ThreadPoolExecutor(5) as others:

        def transaction(session):
            note(session, model.id, "first")
            writers = [others.submit(models.update, model.id, notes=f"{number}") for number in range(5)]
            return models.get(model.id).notes, writers

        notes, writers = database.write(transaction)
        assert notes == ""
        assert {writer.result().notes for writer in writers} == set("01234")
    database.close()


def test_exhausted_pool_error_suggests_a_retry(small_pool, empty_url):
    database = Database.open(empty_url)
    with ExitStack() as held:
        for _ in range(3):
            held.enter_context(database.engine.connect())
        with pytest.raises(StoreUnavailable, match="has been busy .* Try again in a moment"):
            ModelStore(database).list()
    assert ModelStore(database).list() == []
    database.close()


def test_connection_in_use_when_the_database_is_closed_is_closed_by_its_thread(tmp_path):
    database = Database.open(f"sqlite:///{tmp_path / 'charrnn.sqlite3'}")
    is_reading, may_end, connections = threading.Event(), threading.Event(), []

    def read(session):
        connections.append(session.connection().connection.dbapi_connection)
        is_reading.set()
        assert may_end.wait(TIMEOUT)

    with ThreadPoolExecutor(1) as thread:
        reader = thread.submit(database.read, read)
        assert is_reading.wait(TIMEOUT)
        database.close()
        may_end.set()
        reader.result(TIMEOUT)
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        connections[0].execute("SELECT 1")


def test_in_memory_database_is_shared_by_all_threads():
    database = Database.open("sqlite://")
    models = ModelStore(database)
    with ThreadPoolExecutor(8) as threads:
        created = list(threads.map(lambda number: models.create(str(number)), range(8)))
    assert {model.id for model in models.list()} == {model.id for model in created}
    database.close()


def test_violated_constraint_raises_constraint_error(database):
    orphan = text("INSERT INTO model_log (model_id, position, chunk) VALUES ('nobody', 1, '')")
    with pytest.raises(ConstraintError, match="rejected a change: .*(FOREIGN KEY|foreign key)") as caught:
        database.write(lambda session: session.execute(orphan))
    assert is_missing_parent(caught.value)


def test_clock_is_utc(database):
    assert abs(database.now() - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=1)


def test_connection_closed_by_the_server_is_replaced(server_database):
    connection = server_database.read(lambda session: session.scalar(text("SELECT CONNECTION_ID()")))
    killer = Database(server_database.url)
    killer.write(lambda session: session.execute(text(f"KILL {connection}")))
    killer.close()
    assert server_database.now()


def test_connection_lost_between_transactions_logs_no_traceback(server_database, caplog):
    with server_database.engine.connect() as connection:
        number = connection.scalar(text("SELECT CONNECTION_ID()"))
        connection.commit()
        ask(server_database.url, f"KILL {number}")
    assert server_database.now()
    assert not caplog.records


def test_unreachable_server_error_hides_the_password():
    with socket.socket() as bound:  # not listening, so no connection is accepted
        bound.bind(("127.0.0.1", 0))
        host, port = bound.getsockname()
        environ = {"MYSQL_HOST": host, "MYSQL_PORT": str(port), "MYSQL_USER": "ann", "MYSQL_PASSWORD": SECRET}
        with pytest.raises(
            StoreError, match=rf"No database server responds at {host}:{port} .* Check host and port"
        ) as caught:
            Database.open(url_from_environment(environ, Path("/data")))
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_rejected_login_error_names_the_user_and_hides_the_password(empty_server_url):
    url = url_from_environment({"CHARRNN_DATABASE_URL": empty_server_url}, Path("/data"))
    user = unique("ann")
    with pytest.raises(StoreError, match=f"rejected the login of '{user}'. Check the user and the password") as caught:
        Database.open(url.set(username=user, password=SECRET))
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_missing_database_error_says_how_to_create_it(server_url):
    name = unique("nowhere")
    with pytest.raises(
        StoreError, match=f"has no database '{name}'. Create it: CREATE DATABASE `{name}` CHARACTER SET"
    ):
        Database.open(server_url.set(database=name))


def test_missing_folder_error_has_its_path(tmp_path):
    with pytest.raises(StoreError, match="The folder '.*/none' of the database file does not exist. Create it, or set"):
        Database.open(f"sqlite:///{tmp_path}/none/a.sqlite3")


def test_file_of_another_kind_is_not_changed(tmp_path):
    file = tmp_path / "a.sqlite3"
    file.write_text("To be, or not to be\n" * 99)
    with pytest.raises(
        StoreError, match="The database file .*a.sqlite3: it is not a SQLite database. Move that file away"
    ):
        Database.open(f"sqlite:///{file}")
    assert file.read_text() == "To be, or not to be\n" * 99


def test_read_only_folder_error_has_its_path(open_folder):
    os.chmod(open_folder, READ_ONLY)
    with (
        without_root_privileges(),
        pytest.raises(StoreError, match=f"The database file {open_folder}/a.sqlite3: it cannot"),
    ):
        Database.open(f"sqlite:///{open_folder}/a.sqlite3")


def test_read_only_file_error_has_its_path(open_folder):
    file = open_folder / "a.sqlite3"
    Database.open(f"sqlite:///{file}").close()
    os.chmod(file, READ_ONLY)
    database = Database(f"sqlite:///{file}")
    with without_root_privileges(), pytest.raises(StoreError, match=f"The database file {file}: it is read-only"):
        ModelStore(database).create("x")
    database.close()


def test_missing_tables_error_says_how_to_create_them(empty_url):
    database = Database(empty_url)
    with pytest.raises(StoreError, match="[Aa] table is missing.* Run `charrnn db upgrade`"):
        ModelStore(database).list()
    database.close()
