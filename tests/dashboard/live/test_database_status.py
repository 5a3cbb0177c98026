"""Outages and errors of the database, shown in a real browser."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from charrnn.core.errors import StoreUnavailable
from charrnn.services import open_services
from dashboard.live.database_status import DatabaseStatus
from tests.support import database_servers
from tests.support.dashboard_server import Server
from tests.support.small_training import OPTIONS, TEXT
from tests.support.trained_home import TrainedHome
from tests.support.waiting import TIMEOUT

expect.set_options(timeout=1000 * TIMEOUT)
ROOT = Path(__file__).parents[3]
ENDLESS = OPTIONS | {"max_steps": 1_000_000, "eval_every_n": 500, "save_every_n": 1_000_000, "log_every_n": 50}


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[database_servers.Server]:
    """A database server for one test, which stops it."""
    with database_servers.running("mariadb", tmp_path) as server:
        yield server


def test_a_page_shows_a_database_outage_and_recovers_by_itself(
    mariadb: database_servers.Server, serve: Callable[..., Server], open_page: Callable[..., Page], tmp_path: Path
) -> None:
    home, url = tmp_path / "home", mariadb.make_database("studio")
    with open_services(home, database_url=url, environ={}) as services:
        corpus, _ = services.corpora.add(TEXT, name="ducks")
        model = services.models.create("ducks", corpus=corpus, options=ENDLESS)
    server = serve(home, "--database", url)
    page = open_page(f"{server.url}/?tab=training&model={model.id}")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("log")).to_contain_text("step: 50/")

    away = page.get_by_text("The database cannot be reached; retrying")
    mariadb.stop()
    expect(away).to_be_visible()
    other = open_page(f"{server.url}/?tab=library")
    expect(other.get_by_text("The database cannot be reached; retrying")).to_be_visible()
    mariadb.start()
    expect(away).to_be_hidden()
    expect(other.get_by_role("button", name="ducks", exact=True)).to_be_visible()
    expect(other.get_by_text("The database cannot be reached")).to_be_hidden()

    mariadb.suspend()
    expect(page.get_by_text("The database does not respond")).to_be_visible()
    mariadb.resume()
    expect(away).to_be_hidden()

    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".state.stopped")).to_be_visible()
    for visited in (page, other):
        visited.goto("about:blank")
    assert "Traceback" not in server.stop()
    with open_services(home, database_url=url, environ={}) as services:
        ended = services.models.get(model.id)
        losses = services.models.curve(model.id, "loss")
        assert list(losses.steps) == list(range(1, ended.step + 1))
        assert [line.position for line in services.models.lines(model.id)] == list(range(1, ended.log_position + 1))


@contextmanager
def failing(home: Path) -> Iterator[str]:
    """Make the database fail whenever models are read; yield its error message.

    It fails when the query runs. An error found while SQLite parses a query would outlast its cause: a connection
    compares its copy of the schema with the file only when it runs a query.
    """
    with closing(sqlite3.connect(home / "charrnn.sqlite3", isolation_level=None)) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_xinfo(model)")]
        broken = ", ".join("json('{') AS notes" if name == "notes" else name for name in columns)
        view = f"CREATE VIEW model AS SELECT {broken} FROM kept"
        database.executescript(
            f"PRAGMA legacy_alter_table = ON; BEGIN; ALTER TABLE model RENAME TO kept; {view}; COMMIT"
        )
        yield "malformed JSON"
        database.executescript("BEGIN; DROP VIEW model; ALTER TABLE kept RENAME TO model; COMMIT")


def test_a_page_shows_an_unexpected_error_of_the_database_and_recovers(
    home: Path, trained: TrainedHome, serve: Callable[..., Server], open_page: Callable[..., Page]
) -> None:
    server = serve(home)
    page = open_page(f"{server.url}/?tab=library")
    expect(page.get_by_role("button", name=trained.model.name, exact=True)).to_be_visible()
    with failing(home) as message:
        opened_meanwhile = open_page(f"{server.url}/?tab=training&model={trained.model.id}")
        for visited in (page, opened_meanwhile):
            expect(visited.get_by_text("The database cannot be reached; retrying")).to_contain_text(message)
    for visited in (page, opened_meanwhile):
        expect(visited.get_by_text("The database cannot be reached")).to_be_hidden()
    expect(opened_meanwhile.get_by_role("log")).to_contain_text("step: ")


def test_the_traceback_of_an_unexpected_error_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    status = DatabaseStatus(lambda: None)
    for error in [StoreUnavailable("The server is gone."), StoreUnavailable("Error 1047", unexpected=True)]:
        for _ in range(3):
            with status.query():
                raise error
    status.close()
    assert [(record.getMessage(), bool(record.exc_info)) for record in caplog.records] == [
        ("The server is gone.", False),
        ("Error 1047", True),
    ]


def test_an_unexpected_database_error_at_startup_is_one_line(home: Path) -> None:
    with failing(home) as message:
        command = [sys.executable, "-m", "dashboard", "--home", str(home)]
        plain, verbose = (
            subprocess.run([*command, *flags], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT)
            for flags in ((), ("--verbose",))
        )
    assert (plain.returncode, plain.stdout) == (1, "")
    assert plain.stderr == f"The database file {home}/charrnn.sqlite3 reported an error: {message}.\n"
    assert "Traceback (most recent call last)" in verbose.stderr
    assert verbose.stderr.endswith(plain.stderr)
