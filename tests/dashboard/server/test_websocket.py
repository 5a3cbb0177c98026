"""A browser may leave at any moment, also while it is written to: that is no error."""

import asyncio
import gc
import logging
from collections.abc import Iterator

import panel as pn
import pytest
from bokeh.document import Document
from bokeh.document.events import ModelChangedEvent
from panel.io import document as panel_document
from panel.io.state import set_curdoc

from charrnn.services import Services
from dashboard.server.login_providers import Logins
from tests.support.http_client import Door, opened
from tests.support.raw_browser import RawBrowser
from tests.support.waiting import wait_until


@pytest.fixture
def door(services: Services) -> Iterator[Door]:
    """A server that asks nobody to log in."""
    yield from opened(services, Logins())
    RawBrowser.end_all()


def pane_of(document: Document) -> pn.pane.HTML:
    """Return a pane of a page."""
    [page] = {page for page, _, of, _ in pn.state._views.values() if of is document}
    return page.select(pn.pane.HTML)[0]


def change_at_once(browser: RawBrowser) -> None:
    pane_of(browser.document).object = "at once"


def change_when_it_is_its_turn(browser: RawBrowser) -> None:
    session = browser.document.session_context.session
    [model] = pane_of(browser.document)._models.values()
    change = ModelChangedEvent(browser.document, model[0], "text", "later")
    panel_document.schedule_write_events(browser.document, session._subscribed_connections, [change])


@pytest.mark.parametrize("change", [change_at_once, change_when_it_is_its_turn])
def test_a_browser_that_leaves_while_it_is_written_to_is_no_error(
    door: Door, caplog: pytest.LogCaptureFixture, change: object
) -> None:
    browser = RawBrowser(door)
    document = browser.document
    wait_until(lambda: pn.state._connected.get(document))
    loop = door.server.io_loop.asyncio_loop

    async def write_to_who_has_left() -> None:
        browser.vanish()  # this thread is the only one that could notice
        with set_curdoc(document):
            change(browser)

    async def look_around() -> None:
        gc.collect()  # asyncio logs errors that nobody asked for when it loses them

    with caplog.at_level(logging.WARNING):
        asyncio.run_coroutine_threadsafe(write_to_who_has_left(), loop).result()
        wait_until(browser._reading.done)
        wait_until(lambda: not door.server._tornado._clients)
        asyncio.run_coroutine_threadsafe(look_around(), loop).result()
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
