"""Start the dashboard before its database, as container engines do."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from charrnn.store.database_url import parse_url
from tests.dashboard.server.test_server import ROOT
from tests.support import database_servers
from tests.support.waiting import TIMEOUT, listens, wait_until

PASSWORD = "drake-and-teal"


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[database_servers.Server]:
    """A stopped database server with an empty database and a user with a password."""
    with database_servers.running("mariadb", tmp_path) as database:
        url = parse_url(database.make_database("studio"))
        with pymysql.connect(host=url.host, port=url.port or 3306, user=url.username) as connection:
            connection.cursor().execute(f"CREATE USER studio@'%' IDENTIFIED BY '{PASSWORD}'")
            connection.cursor().execute("GRANT ALL ON studio.* TO studio@'%'")
        database.stop()
        yield database


def start(folder: Path, database: database_servers.Server, **environment: str) -> "subprocess.Popen[str]":
    """Start a dashboard; the password of its database is in a file."""
    (folder / "password").write_text(f"{PASSWORD}\n")
    variables = {
        "MYSQL_HOST": "127.0.0.1", "MYSQL_PORT": str(database.url.port), "MYSQL_USER": "studio",
        "MYSQL_DATABASE": "studio", "MYSQL_PASSWORD_FILE": str(folder / "password"),
    }  # fmt: skip
    command = [sys.executable, "-m", "dashboard", "--home", str(folder / "home"), "--port", "0"]
    return subprocess.Popen(
        command, cwd=ROOT, env=os.environ | variables | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def test_a_dashboard_waits_for_its_database(stopped: database_servers.Server, tmp_path: Path) -> None:
    with start(tmp_path, stopped, CHARRNN_DATABASE_WAIT=str(TIMEOUT)) as server:
        assert server.stdout and server.stderr
        assert server.stderr.readline().endswith("Retrying …\n")
        stopped.start()
        line = next(line for line in server.stdout if "Char-RNN Studio is at http://127.0.0.1:" in line)
        wait_until(lambda: listens(int(line.split(":")[2].split()[0])))
        server.terminate()
        server.communicate(timeout=TIMEOUT)
    assert server.returncode == 0


def test_without_a_wait_an_unreachable_database_is_reported_in_one_line(
    stopped: database_servers.Server, tmp_path: Path
) -> None:
    with start(tmp_path, stopped) as server:
        output, problem = server.communicate(timeout=TIMEOUT)
    assert (server.returncode, output) == (1, "")
    assert problem.startswith("No database server responds at 127.0.0.1:")
    assert problem.count("\n") == 1
