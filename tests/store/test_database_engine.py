"""How each kind of database is connected to."""

import pytest
from sqlalchemy import text

from charrnn.core.errors import StoreError
from charrnn.store.database import Database


@pytest.fixture
def file(tmp_path):
    database = Database.open(f"sqlite:///{tmp_path}/a.sqlite3")
    yield database
    database.close()


def ask(database, question):
    return database.read(lambda session: session.scalar(text(question)))


@pytest.mark.parametrize(
    ("setting", "value"),
    [("journal_mode", "wal"), ("foreign_keys", 1), ("busy_timeout", 30_000), ("synchronous", 2)],
)
def test_sqlite_writes_ahead_waits_its_turn_and_keeps_references(file, setting, value):
    assert ask(file, f"PRAGMA {setting}") == value


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("tx_isolation", "READ-COMMITTED"),
        ("character_set_client", "utf8mb4"),
        ("character_set_connection", "utf8mb4"),
        ("innodb_lock_wait_timeout", 10),
    ],
)
def test_mysql_reads_what_is_committed_in_every_character(server_database, setting, value):
    names = [row[0] for row in server_database.read(lambda s: s.execute(text("SHOW VARIABLES LIKE 't%_isolation'")))]
    name = names[0] if setting == "tx_isolation" else setting  # MySQL 8 calls it transaction_isolation
    assert ask(server_database, f"SELECT @@SESSION.{name}") == value


def test_mysql_refuses_what_is_too_long_instead_of_cutting_it(server_database):
    assert "STRICT_ALL_TABLES" in ask(server_database, "SELECT @@SESSION.sql_mode")


@pytest.mark.parametrize("query", ["", "?charset=latin1"])
def test_no_url_can_ask_for_fewer_characters(server_database, query):
    url = server_database.url.render_as_string(hide_password=False) + query
    database = Database(url)
    assert ask(database, "SELECT '😀'") == "😀"
    database.close()


def test_a_server_without_encryption_is_refused_where_encryption_was_asked_for(server_database):
    url = server_database.url.update_query_dict({"tls": "verify"})
    with pytest.raises(StoreError, match="No encrypted connection|The certificate"):
        Database.open(url)
