"""Fixtures that several folders need: a clean database of each kind."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pymysql
import pytest
from hypothesis import settings
from sqlalchemy import delete

from charrnn.store.address import parse_url
from charrnn.store.database import Database
from charrnn.store.tables import Base
from tests.store import mariadb_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# How long an example takes says more about who else uses the machine than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def chromium() -> Iterator["Browser"]:
    """The browser of all tests; Playwright wants to be started once."""
    from tests.dashboard.conftest import browser

    with browser() as chromium:
        yield chromium


@pytest.fixture(scope="session")
def mysql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a MariaDB or MySQL server, without a database's name."""
    if url := os.environ.get("CHARRNN_TEST_MYSQL_URL"):
        yield url.rstrip("/") + "/"
    elif mariadb_server.find("mariadbd", "mysqld") is None:
        pytest.fail(mariadb_server.MISSING)
    else:
        with mariadb_server.serving(tmp_path_factory.mktemp("mariadb")) as url:
            yield url


@pytest.fixture
def empty_mysql(mysql_server: str) -> Iterator[str]:
    """URL of a database without tables on the server; dropped after the test."""
    yield from _new_database(mysql_server)


@pytest.fixture(scope="session")
def mysql_database(mysql_server: str) -> Iterator[Database]:
    """One database on the server for all tests, with tables."""
    for url in _new_database(mysql_server):
        database = Database.open(url)
        yield database
        database.close()


@pytest.fixture(params=["memory", "file", "mysql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A clean database of each kind."""
    if request.param == "mysql":
        database = request.getfixturevalue("mysql_database")
        database.write(lambda session: [session.execute(delete(t)) for t in reversed(Base.metadata.sorted_tables)])
        yield database
        return
    database = Database.open("sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/studio.sqlite3")
    yield database
    database.close()


def _new_database(server: str) -> Iterator[str]:
    name = f"charrnn_test_{uuid.uuid4().hex}"
    url = parse_url(server + name)
    login = {"host": url.host, "port": url.port or 3306, "user": url.username, "password": url.password or ""}
    with pymysql.connect(**login) as connection, connection.cursor() as cursor:
        # As servers are often set up: nothing of ours may rely on the database's own character set.
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET latin1")
        yield server + name
        cursor.execute(f"DROP DATABASE {name}")
