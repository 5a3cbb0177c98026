"""Test that a browser may disconnect at any time, even during a write."""

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
from tests.support.in_process_server import ServerClient, opened
from tests.support.raw_browser import RawBrowser
from tests.support.waiting import wait_until


@pytest.fixture
def client(services: Services) -> Iterator[ServerClient]:
    """A server without logins."""
    yield from opened(services, Logins())
    RawBrowser.end_all()


def pane_of(document: Document) -> pn.pane.HTML:
    """Return a pane of a page."""
    [page] = {page for page, _, of, _ in pn.state._views.values() if of is document}
    return page.select(pn.pane.HTML)[0]


def write_immediately(browser: RawBrowser) -> None:
    pane_of(browser.document).object = "at once"


def write_from_the_queue(browser: RawBrowser) -> None:
    session = browser.document.session_context.session
    [model] = pane_of(browser.document)._models.values()
    change = ModelChangedEvent(browser.document, model[0], "text", "later")
    panel_document.schedule_write_events(browser.document, session._subscribed_connections, [change])


@pytest.mark.parametrize("change", [write_immediately, write_from_the_queue])
def test_a_disconnect_during_a_write_logs_no_error(
    client: ServerClient, caplog: pytest.LogCaptureFixture, change: object
) -> None:
    browser = RawBrowser(client)
    document = browser.document
    wait_until(lambda: pn.state._connected.get(document))
    loop = client.server.io_loop.asyncio_loop

    async def write_after_the_disconnect() -> None:
        browser.reset()  # the event loop cannot notice before this function ends
        with set_curdoc(document):
            change(browser)

    async def collect_garbage() -> None:
        gc.collect()  # asyncio logs exceptions that were never retrieved

    with caplog.at_level(logging.WARNING):
        asyncio.run_coroutine_threadsafe(write_after_the_disconnect(), loop).result()
        wait_until(browser._reading.done)
        wait_until(lambda: not client.server._tornado._clients)
        asyncio.run_coroutine_threadsafe(collect_garbage(), loop).result()
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
