"""Test the database servers for tests: named in the environment, or started here."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from charrnn.core.errors import StoreError
from charrnn.store.database import Database
from charrnn.store.database_url import parse_url
from tests.support import database_servers
from tests.support.database_servers import KINDS, TITLES, VARIABLES, MissingServer, ask, unique

ROOT = Path(__file__).parents[2]
PROGRAM = """
import pathlib, signal, sys
from tests.support.database_servers import running
with running(sys.argv[1], pathlib.Path(sys.argv[2])) as server:
    if sys.argv[3]:
        server.suspend()
    print(server.url, flush=True)
    signal.pause()
"""
"""Runs a server like pytest does, and suspends it if the third argument is not empty."""
PASSWORD = "p@ss/w?rd%&#"


@pytest.fixture
def user(server_url):
    """Create a user with all privileges and a password that needs escaping."""
    name = unique("tester")
    try:
        ask(
            server_url,
            f"CREATE USER '{name}'@'%' IDENTIFIED BY '{PASSWORD}'",
            f"GRANT ALL ON *.* TO '{name}'@'%' WITH GRANT OPTION",
        )
        yield name
    finally:
        ask(server_url, f"DROP USER IF EXISTS '{name}'@'%'")


@pytest.mark.parametrize("path", ["", "/", "/x", "/x?charset=utf8mb4", "/?charset=utf8mb4"])
def test_server_from_the_environment_is_used_with_any_database_in_its_url(
    server_kind, server_url, user, tmp_path, path
):
    named = f"mysql://{user}:p%40ss%2Fw%3Frd%25%26%23@{server_url.host}:{server_url.port}{path}"
    with (
        database_servers.available(server_kind, tmp_path, {VARIABLES[server_kind]: named}) as url,
        database_servers.new_database(url) as new,
    ):
        Database.open(new).close()
        name = ask(url, f"SELECT schema_name FROM information_schema.schemata WHERE schema_name = '{url_name(new)}'")
        assert name == url_name(new)
    assert not ask(url, f"SELECT schema_name FROM information_schema.schemata WHERE schema_name = '{url_name(new)}'")
    assert not list(tmp_path.iterdir())  # no server was started


def test_server_of_the_other_kind_is_rejected(server_kind, server_url, tmp_path):
    (other,) = set(KINDS) - {server_kind}
    named = server_url.render_as_string(hide_password=False)
    with (
        pytest.raises(
            ValueError, match=f"{VARIABLES[other]} names a {TITLES[server_kind]} server. Set {VARIABLES[server_kind]}"
        ),
        database_servers.available(other, tmp_path, {VARIABLES[other]: named}),
    ):
        pass


def test_url_of_another_database_is_rejected(tmp_path):
    with (
        pytest.raises(StoreError, match="starts with oracle"),
        database_servers.available("mysql", tmp_path, {"CHARRNN_TEST_MYSQL_URL": "oracle://x/y"}),
    ):
        pass


@pytest.mark.parametrize("kind", KINDS)
def test_missing_server_error_says_what_to_install_or_set(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(database_servers, "_SEARCH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with (
        pytest.raises(
            MissingServer,
            match=f"need a {TITLES[kind]} server: run scripts/install-test-packages, .* {VARIABLES[kind]}=",
        ),
        database_servers.available(kind, tmp_path, {}),
    ):
        pass


@pytest.mark.parametrize(
    ("kind", "number", "suspended"),
    [
        ("mariadb", signal.SIGTERM, ""),
        ("mariadb", signal.SIGKILL, "suspended"),
        ("mysql", signal.SIGKILL, ""),
    ],
)
def test_a_killed_pytest_leaves_no_server_behind(kind, number, suspended, tmp_path):
    command = [sys.executable, "-c", PROGRAM, kind, str(tmp_path), suspended]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        url = parse_url(process.stdout.readline().strip())
        process.send_signal(number)
        with pytest.raises(OperationalError):
            while True:  # until the server ends, and this with it
                ask(url, "SELECT SLEEP(600)")


def url_name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]
