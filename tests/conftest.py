"""Fixtures that several folders need: a clean database of each kind."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from sqlalchemy import URL, delete

from charrnn.store.database import Database
from charrnn.store.tables import Base
from tests.support import database_servers

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# How long an example takes says more about who else uses the machine than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def chromium() -> Iterator["Browser"]:
    """The browser of all tests; Playwright wants to be started once."""
    from tests.support.browser import browser

    with browser() as chromium:
        yield chromium


@pytest.fixture(scope="session")
def server_urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], URL]]:
    """Return the URL of a MariaDB or MySQL server; each is started when a test first asks for it."""
    with ExitStack() as servers:

        @cache
        def url(kind: str) -> URL:
            try:
                return servers.enter_context(database_servers.available(kind, tmp_path_factory.mktemp(kind)))
            except database_servers.MissingServer as missing:
                pytest.fail(str(missing), pytrace=False)

        yield url


@pytest.fixture(params=database_servers.KINDS)
def server_kind(request: pytest.FixtureRequest) -> str:
    """Run a test on MariaDB and on MySQL."""
    return request.param


@pytest.fixture
def server_url(server_urls: Callable[[str], URL], server_kind: str) -> URL:
    """URL of a server, which may name a database that is not the test's."""
    return server_urls(server_kind)


@pytest.fixture
def empty_server_url(server_url: URL) -> Iterator[str]:
    """URL of a database without tables on a server; dropped after the test."""
    with database_servers.new_database(server_url) as url:
        yield url


@pytest.fixture(scope="session")
def server_databases(server_urls: Callable[[str], URL]) -> Iterator[Callable[[str], Database]]:
    """Return the one database with tables that all tests of a server share."""
    with ExitStack() as opened:

        @cache
        def database(kind: str) -> Database:
            url = opened.enter_context(database_servers.new_database(server_urls(kind)))
            return opened.enter_context(closing(Database.open(url)))

        yield database


@pytest.fixture
def server_database(server_databases: Callable[[str], Database], server_kind: str) -> Database:
    """A database with tables on MariaDB and on MySQL."""
    return server_databases(server_kind)


@pytest.fixture(params=["memory", "file", *database_servers.KINDS])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A clean database of each kind."""
    if request.param in database_servers.KINDS:
        database = request.getfixturevalue("server_databases")(request.param)
        database.write(lambda session: [session.execute(delete(t)) for t in reversed(Base.metadata.sorted_tables)])
        yield database
        return
    database = Database.open("sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/studio.sqlite3")
    yield database
    database.close()


@pytest.fixture(params=["file", *database_servers.KINDS])
def new_url(
    request: pytest.FixtureRequest, server_urls: Callable[[str], URL], tmp_path: Path
) -> Iterator[Callable[[], str]]:
    """Create a database without tables, of each kind that outlives a process, and return its URL."""
    numbers = count()
    with ExitStack() as databases:

        def create() -> str:
            if request.param == "file":
                return f"sqlite:///{tmp_path}/new-{next(numbers)}.sqlite3"
            return databases.enter_context(database_servers.new_database(server_urls(request.param)))

        yield create


@pytest.fixture
def empty_url(new_url: Callable[[], str]) -> str:
    """URL of a database without tables, of each kind that outlives a process."""
    return new_url()
