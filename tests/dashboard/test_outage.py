"""In a real browser, on a real server: the database goes away and comes back."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from charrnn.services import open_services
from tests.dashboard.conftest import PATIENCE, Server
from tests.services.conftest import OPTIONS, TEXT
from tests.store import database_servers

expect.set_options(timeout=1000 * PATIENCE)
ENDLESS = OPTIONS | {"max_steps": 1_000_000, "eval_every_n": 500, "save_every_n": 1_000_000, "log_every_n": 50}


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[database_servers.Server]:
    """A database server of this test alone, since it is stopped."""
    with database_servers.running("mariadb", tmp_path) as server:
        yield server


def test_a_page_says_that_it_waits_for_the_database_and_goes_on_by_itself(
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

    away = page.get_by_text("The database cannot be reached; trying again")
    mariadb.stop()
    expect(away).to_be_visible()
    other = open_page(f"{server.url}/?tab=library")
    expect(other.get_by_text("The database cannot be reached; trying again")).to_be_visible()
    mariadb.start()
    expect(away).to_be_hidden()
    expect(other.get_by_role("button", name="ducks", exact=True)).to_be_visible()
    expect(other.get_by_text("The database cannot be reached")).to_be_hidden()

    mariadb.freeze()
    expect(page.get_by_text("The database does not answer")).to_be_visible()
    mariadb.thaw()
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
