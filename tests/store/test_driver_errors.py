"""What databases refuse, in words."""

import sqlite3

import pymysql
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import InternalError, NoResultFound, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from charrnn.core.errors import StoreUnavailable
from charrnn.store.driver_errors import explain, is_conflict

SERVER = make_url("mysql+pymysql://ann:hidden@db:3307/poems")
FILE = make_url("sqlite:////data/a.sqlite3")


def from_mysql(code, words="", state=None):
    return OperationalError("SELECT 1", {}, pymysql.err.OperationalError(code, words, sqlstate=state))


def from_sqlite(words):
    return OperationalError("SELECT 1", {}, sqlite3.OperationalError(words))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (1044, "The user 'ann' may not use the database 'poems' at db:3307"),
        (1045, "The database server at db:3307 refused the login of 'ann'"),
        (1698, "The database server at db:3307 refused the login of 'ann'"),
        (1049, "CREATE DATABASE `poems` CHARACTER SET utf8mb4"),
        (1142, "The user 'ann' lacks a right on the database 'poems' (INSERT command denied)"),
        (1054, "A column is missing in the database 'poems'. Run `charrnn db upgrade`"),
        (1146, "A table is missing in the database 'poems'. Run `charrnn db upgrade`"),
        (1153, "Raise max_allowed_packet on the server to 16M"),
        (1290, "The database server at db:3307 is read-only now"),
        (2026, "No encrypted connection to the database server at db:3307"),
        (1205, "The database at db:3307 stayed locked. Try again"),
        (1213, "The database at db:3307 stayed locked. Try again"),
        (1040, "The database server at db:3307 takes no more connections"),
        (1114, "The database server at db:3307 is out of disk space. Free some"),
        (2003, "There is no database server at db:3307 (INSERT command denied). Check host and port"),
        (2006, "The connection to the database server at db:3307 broke. Check that it runs"),
        (2013, "The connection to the database server at db:3307 broke. Check that it runs"),
        (0, "The connection to the database server at db:3307 broke. Check that it runs"),
    ],
)
def test_a_servers_refusal_says_where_and_what_to_do(code, message):
    explained = str(explain(from_mysql(code, "INSERT command denied"), SERVER))
    assert message in explained
    assert "hidden" not in explained


def test_a_certificate_that_is_not_trusted_is_no_missing_server():
    words = "Can't connect to MySQL server on 'db' ([SSL: CERTIFICATE_VERIFY_FAILED])"
    assert "put ?ssl_ca=FILE at the end" in str(explain(from_mysql(2003, words), SERVER))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("database is locked", "another program holds it"),
        ("unable to open database file", "it cannot be opened"),
        ("attempt to write a readonly database", "it is read-only"),
        ("file is not a database", "it is something else"),
        ("database disk image is malformed", "it is damaged. Restore a copy"),
        ("database or disk is full", "the disk is full. Free some space and try again; nothing that was stored is"),
        ("disk I/O error", "the disk cannot be read or written"),
        ("no such table: model", "a table is missing. Run `charrnn db upgrade`"),
        ("no such column: stars", "a column is missing. Run `charrnn db upgrade`"),
    ],
)
def test_a_files_refusal_says_which_and_what_to_do(words, message):
    assert str(explain(from_sqlite(words), FILE)).startswith(f"The database file /data/a.sqlite3: {message}")


@pytest.mark.parametrize(("code", "state"), [(1143, "42000"), (1227, "42000"), (1370, "42000"), (3140, "22032")])
def test_what_the_standard_calls_a_refusal_is_not_waited_for(code, state):
    assert not isinstance(explain(from_mysql(code, "denied", state), SERVER), StoreUnavailable)


UNKNOWN = [3, 1026, 1030, 1047, 1158, 1159, 1160, 1161, 1180, 1196, 1969, 3024, 3100, 3101, 4094]


@pytest.mark.parametrize("code", UNKNOWN)
def test_an_unknown_error_of_a_server_is_told_in_its_own_words_and_may_heal(code):
    explained = explain(from_mysql(code, "WSREP has not yet prepared node\nfor application use"), SERVER)
    assert isinstance(explained, StoreUnavailable)
    assert explained.unexpected
    assert str(explained) == (
        f"The database server at db:3307 reported error {code}: WSREP has not yet prepared node. Try again in a "
        "moment; if this does not change, check the server."
    )


def test_a_server_whose_system_fails_may_heal():
    """PyMySQL has another class for numbers below 1000."""
    error = InternalError("SELECT 1", {}, pymysql.err.InternalError(3, "Error writing file"))
    assert isinstance(explain(error, SERVER), StoreUnavailable)


def test_a_statement_that_no_server_takes_is_told_and_not_tried_again():
    refused = ProgrammingError("SELEC", {}, pymysql.err.ProgrammingError(1064, "You have an error in your SQL syntax"))
    for error, url, words in [
        (refused, SERVER, "reported error 1064: You have an error in your SQL syntax. Check the server's settings"),
        (
            from_mysql(1305, "FUNCTION MD5 does not exist", "42000"),
            SERVER,
            "reported error 1305: FUNCTION MD5",
        ),
        (from_sqlite('near "SELEC": syntax error'), FILE, 'a.sqlite3 reported an error: near "SELEC": syntax error.'),
        (NoResultFound("No row was found"), FILE, "failed: No row was found"),
    ]:
        explained = explain(error, url)
        assert words in str(explained)
        assert explained.unexpected and not isinstance(explained, StoreUnavailable)


def test_waiting_in_vain_for_a_connection_names_the_database_without_its_password():
    explained = explain(PoolTimeout("QueuePool limit"), SERVER)
    assert "The database mysql+pymysql://ann:***@db:3307/poems has been busy for 30 seconds" in str(explained)
    assert isinstance(explained, StoreUnavailable)


@pytest.mark.parametrize("code", [0, 1021, 1040, 1053, 1114, 1205, 1213, 1290, 1317, 1836, 1927, 2003, 2006, 2013])
def test_a_server_that_is_away_busy_or_full_may_come_back(code):
    assert isinstance(explain(from_mysql(code), SERVER), StoreUnavailable)


@pytest.mark.parametrize("code", [1044, 1045, 1049, 1054, 1130, 1142, 1146, 1153, 1698, 1820, 2026, 3118])
def test_defect_what_only_an_administrator_mends_is_not_waited_for(code):
    """At the end of a training every refusal was tried again for ten minutes."""
    assert not isinstance(explain(from_mysql(code), SERVER), StoreUnavailable)


def test_a_full_disk_may_get_room_and_a_damaged_file_stays_damaged():
    assert isinstance(explain(from_sqlite("database or disk is full"), FILE), StoreUnavailable)
    assert not isinstance(explain(from_sqlite("database disk image is malformed"), FILE), StoreUnavailable)


def test_a_connection_that_broke_in_an_unknown_way_is_gone():
    error = OperationalError("SELECT 1", {}, pymysql.err.OperationalError(9999, "?"), connection_invalidated=True)
    assert "broke. Check that it runs" in str(explain(error, SERVER))


@pytest.mark.parametrize(
    ("error", "conflict"),
    [
        (from_mysql(1213), True),
        (from_mysql(1205), True),
        (from_sqlite("database is locked"), True),
        (from_sqlite("database table is locked: model"), True),
        (from_mysql(2013), False),  # whether it was committed nobody knows
        (from_sqlite("database or disk is full"), False),
    ],
)
def test_only_a_conflict_is_worth_trying_again(error, conflict):
    assert is_conflict(error) is conflict
