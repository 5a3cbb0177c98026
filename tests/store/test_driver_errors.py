"""Tests of translated driver errors."""

import sqlite3

import pymysql
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import InternalError, NoResultFound, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from charrnn.core.errors import StoreUnavailable
from charrnn.store.driver_errors import is_conflict, translate

SERVER = make_url("mysql+pymysql://ann:hidden@db:3307/poems")
FILE = make_url("sqlite:////data/a.sqlite3")


def from_mysql(code, message="", state=None):
    return OperationalError("SELECT 1", {}, pymysql.err.OperationalError(code, message, sqlstate=state))


def from_sqlite(message):
    return OperationalError("SELECT 1", {}, sqlite3.OperationalError(message))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (1044, "The user 'ann' has no access to the database 'poems' at db:3307"),
        (1045, "The database server at db:3307 rejected the login of 'ann'"),
        (1698, "The database server at db:3307 rejected the login of 'ann'"),
        (1049, "CREATE DATABASE `poems` CHARACTER SET utf8mb4"),
        (1142, "The user 'ann' lacks a privilege on the database 'poems' (INSERT command denied)"),
        (1054, "A column is missing in the database 'poems'. Run `charrnn db upgrade`"),
        (1146, "A table is missing in the database 'poems'. Run `charrnn db upgrade`"),
        (1153, "Raise max_allowed_packet on the server to 16M"),
        (1290, "The database server at db:3307 is read-only now"),
        (2026, "No encrypted connection to the database server at db:3307"),
        (1205, "The database at db:3307 stayed locked. Try again"),
        (1213, "The database at db:3307 stayed locked. Try again"),
        (1040, "The database server at db:3307 has too many connections"),
        (1114, "The database server at db:3307 is out of disk space. Free some space"),
        (2003, "No database server responds at db:3307 (INSERT command denied). Check host and port"),
        (2006, "The connection to the database server at db:3307 was lost. Check that it runs"),
        (2013, "The connection to the database server at db:3307 was lost. Check that it runs"),
        (0, "The connection to the database server at db:3307 was lost. Check that it runs"),
    ],
)
def test_mysql_errors_name_the_server_and_give_advice(code, message):
    translated = str(translate(from_mysql(code, "INSERT command denied"), SERVER))
    assert message in translated
    assert "hidden" not in translated


def test_untrusted_certificate_is_not_reported_as_a_missing_server():
    message = "Can't connect to MySQL server on 'db' ([SSL: CERTIFICATE_VERIFY_FAILED])"
    assert "append ?ssl_ca=FILE to" in str(translate(from_mysql(2003, message), SERVER))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("database is locked", "another program holds its lock"),
        ("unable to open database file", "it cannot be opened"),
        ("attempt to write a readonly database", "it is read-only"),
        ("file is not a database", "it is not a SQLite database"),
        ("database disk image is malformed", "it is damaged. Restore a backup"),
        ("database or disk is full", "the disk is full. Free some space and try again; no stored data is lost"),
        ("disk I/O error", "the disk cannot be read or written"),
        ("no such table: model", "a table is missing. Run `charrnn db upgrade`"),
        ("no such column: stars", "a column is missing. Run `charrnn db upgrade`"),
    ],
)
def test_sqlite_errors_name_the_file_and_give_advice(error, message):
    assert str(translate(from_sqlite(error), FILE)).startswith(f"The database file /data/a.sqlite3: {message}")


@pytest.mark.parametrize(("code", "state"), [(1143, "42000"), (1227, "42000"), (1370, "42000"), (3140, "22032")])
def test_permanent_sqlstates_are_not_retried(code, state):
    assert not isinstance(translate(from_mysql(code, "denied", state), SERVER), StoreUnavailable)


UNKNOWN = [3, 1026, 1030, 1047, 1158, 1159, 1160, 1161, 1180, 1196, 1969, 3024, 3100, 3101, 4094]


@pytest.mark.parametrize("code", UNKNOWN)
def test_unknown_mysql_error_keeps_its_message_and_counts_as_unavailable(code):
    translated = translate(from_mysql(code, "WSREP has not yet prepared node\nfor application use"), SERVER)
    assert isinstance(translated, StoreUnavailable)
    assert translated.unexpected
    assert str(translated) == (
        f"The database server at db:3307 reported error {code}: WSREP has not yet prepared node. Try again in a "
        "moment; if this persists, check the server."
    )


def test_system_error_of_a_server_counts_as_unavailable():
    """PyMySQL raises another class for numbers below 1000."""
    error = InternalError("SELECT 1", {}, pymysql.err.InternalError(3, "Error writing file"))
    assert isinstance(translate(error, SERVER), StoreUnavailable)


def test_invalid_statement_is_reported_and_not_retried():
    invalid = ProgrammingError("SELEC", {}, pymysql.err.ProgrammingError(1064, "You have an error in your SQL syntax"))
    for error, url, message in [
        (invalid, SERVER, "reported error 1064: You have an error in your SQL syntax. Check the server's settings"),
        (
            from_mysql(1305, "FUNCTION MD5 does not exist", "42000"),
            SERVER,
            "reported error 1305: FUNCTION MD5",
        ),
        (from_sqlite('near "SELEC": syntax error'), FILE, 'a.sqlite3 reported an error: near "SELEC": syntax error.'),
        (NoResultFound("No row was found"), FILE, "failed: No row was found"),
    ]:
        translated = translate(error, url)
        assert message in str(translated)
        assert translated.unexpected and not isinstance(translated, StoreUnavailable)


def test_pool_timeout_names_the_database_without_its_password():
    translated = translate(PoolTimeout("QueuePool limit"), SERVER)
    assert "The database mysql+pymysql://ann:***@db:3307/poems has been busy for 30 seconds" in str(translated)
    assert isinstance(translated, StoreUnavailable)


@pytest.mark.parametrize("code", [0, 1021, 1040, 1053, 1114, 1205, 1213, 1290, 1317, 1836, 1927, 2003, 2006, 2013])
def test_lost_busy_or_full_server_counts_as_unavailable(code):
    assert isinstance(translate(from_mysql(code), SERVER), StoreUnavailable)


@pytest.mark.parametrize("code", [1044, 1045, 1049, 1054, 1130, 1142, 1146, 1153, 1698, 1820, 2026, 3118])
def test_defect_errors_that_need_an_administrator_are_not_retried(code):
    """At the end of a training, every error was retried for ten minutes."""
    assert not isinstance(translate(from_mysql(code), SERVER), StoreUnavailable)


def test_full_disk_is_retried_and_a_damaged_file_is_not():
    assert isinstance(translate(from_sqlite("database or disk is full"), FILE), StoreUnavailable)
    assert not isinstance(translate(from_sqlite("database disk image is malformed"), FILE), StoreUnavailable)


def test_connection_invalidated_by_an_unknown_error_counts_as_lost():
    error = OperationalError("SELECT 1", {}, pymysql.err.OperationalError(9999, "?"), connection_invalidated=True)
    assert "was lost. Check that it runs" in str(translate(error, SERVER))


@pytest.mark.parametrize(
    ("error", "conflict"),
    [
        (from_mysql(1213), True),
        (from_mysql(1205), True),
        (from_sqlite("database is locked"), True),
        (from_sqlite("database table is locked: model"), True),
        (from_mysql(2013), False),  # it may have been committed
        (from_sqlite("database or disk is full"), False),
    ],
)
def test_only_conflicts_are_retried(error, conflict):
    assert is_conflict(error) is conflict
