"""Tests of connection settings."""

import pytest
from sqlalchemy import text

from charrnn.core.errors import StoreError
from charrnn.store.database import Database


@pytest.fixture
def file(tmp_path):
    database = Database.open(f"sqlite:///{tmp_path}/a.sqlite3")
    yield database
    database.close()


def scalar(database, query):
    return database.read(lambda session: session.scalar(text(query)))


@pytest.mark.parametrize(
    ("setting", "value"),
    [("journal_mode", "wal"), ("foreign_keys", 1), ("busy_timeout", 30_000), ("synchronous", 2)],
)
def test_sqlite_settings(file, setting, value):
    assert scalar(file, f"PRAGMA {setting}") == value


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("tx_isolation", "READ-COMMITTED"),
        ("character_set_client", "utf8mb4"),
        ("character_set_connection", "utf8mb4"),
        ("innodb_lock_wait_timeout", 10),
    ],
)
def test_mysql_settings(server_database, setting, value):
    names = [row[0] for row in server_database.read(lambda s: s.execute(text("SHOW VARIABLES LIKE 't%_isolation'")))]
    name = names[0] if setting == "tx_isolation" else setting  # MySQL 8 calls it transaction_isolation
    assert scalar(server_database, f"SELECT @@SESSION.{name}") == value


def test_mysql_rejects_overlong_values_instead_of_truncating(server_database):
    assert "STRICT_ALL_TABLES" in scalar(server_database, "SELECT @@SESSION.sql_mode")


@pytest.mark.parametrize("query", ["", "?charset=latin1"])
def test_charset_of_the_url_is_ignored(server_database, query):
    url = server_database.url.render_as_string(hide_password=False) + query
    database = Database(url)
    assert scalar(database, "SELECT '😀'") == "😀"
    database.close()


def test_server_without_encryption_is_rejected_when_tls_is_required(server_database):
    url = server_database.url.update_query_dict({"tls": "verify"})
    with pytest.raises(StoreError, match="No encrypted connection|The certificate"):
        Database.open(url)
