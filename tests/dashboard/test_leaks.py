"""Everything that a session started ends with it."""

import asyncio
import gc
import json
import re
import threading
import urllib.request
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import panel as pn
import pytest
from tornado.websocket import websocket_connect

from charrnn.services import Services
from dashboard.components.log_pane import LogPane
from dashboard.live.hub import Hub
from dashboard.live.session import Session
from dashboard.patches import busy_flag
from dashboard.server.server import Studio, free_port, serve
from dashboard.views.page import build_page
from tests.support.waiting import listens, wait_until

VISITS = 12
DRAWN = {"type": "map", "entries": [["type", "drawn"], ["number", 1]]}


@pytest.fixture
def studio(services: Services) -> Studio:
    services.models.create("ducks")
    return Studio(services, Hub(services), 1000, _is_preparing=True)


@contextmanager
def served(studio: Studio, lifetime: int = 100) -> Iterator[str]:
    """Serve pages that are discarded soon after they are closed; yield the URL."""
    port = free_port("127.0.0.1", 0)
    server = serve(
        studio, address="127.0.0.1", port=port, threaded=True, verbose=False,
        unused_session_lifetime_milliseconds=lifetime, check_unused_sessions_milliseconds=100,
    )  # fmt: skip
    try:
        wait_until(lambda: listens(port))  # its thread may start late
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.stop()
        studio.close()


def event(name: str, **values: object) -> str:
    """Return the message of a browser event."""
    entries = [[key, value] for key, value in values.items()]
    data = {"type": "event", "name": name, "values": {"type": "map", "entries": entries}}
    return json.dumps({"events": [{"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": data}]})


async def visit_page(address: str) -> None:
    """Open a page like a browser whose first message reports that it has drawn the log."""
    page = (await asyncio.to_thread(urllib.request.urlopen, address)).read().decode()
    protocols = ["bokeh", re.search(r'"token":"([^"]+)"', page)[1]]
    socket = address.partition("?")[0].replace("http", "ws") + "ws"
    connection = await websocket_connect(socket, subprotocols=protocols, max_message_size=10**8)

    async def send(kind: str, content: str) -> None:
        for part in (json.dumps({"msgid": kind + content, "msgtype": kind}), "{}", content):
            await connection.write_message(part)

    for _ in range(3):  # the first message of the server has three parts
        await connection.read_message()
    await send("PULL-DOC-REQ", "{}")
    await send("PATCH-DOC", event("document_ready"))
    pane = None
    while pane is None:
        message = await connection.read_message()
        assert message is not None, "the server closed the connection"
        pane = re.search(r'"id":"(p\d+)","attributes":{[^{]*"LogPane"', str(message))
    await send("PATCH-DOC", event("data_event", model={"id": pane[1]}, data=DRAWN))
    await asyncio.sleep(0.5)
    connection.close()
    while await connection.read_message() is not None:
        pass


def test_defect_a_session_whose_first_message_is_an_event_ends_when_it_is_closed(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Panel reschedules a callback of such a session forever."""
    monkeypatch.setattr(type(pn.state), "_busy_cleanup_scheduled", None)
    monkeypatch.setattr(LogPane, "_handle_msg", lambda self, message: received.append(message))
    busy_flag.apply()
    received: list[object] = []
    with served(studio, lifetime=3000) as address:
        page = f"{address}?tab=training&model={studio.services.models.all()[0].id}"
        with ThreadPoolExecutor() as elsewhere:  # Playwright runs an event loop on this thread
            elsewhere.submit(lambda: asyncio.run(visit_page(page))).result()
        assert received == [{"type": "drawn", "number": 1}]
        wait_until(lambda: studio.hub.num_sessions == 0, seconds=20)


def test_closed_pages_leave_nothing_behind(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    pages: list[weakref.ref] = []

    def page() -> object:
        built = build_page(studio.services, studio.hub, max_upload_bytes=1000)
        pages.extend((weakref.ref(built), weakref.ref(pn.state.curdoc)))
        return built

    monkeypatch.setattr(studio, "page", page)
    with served(studio) as address:
        visit = f"{address}?model={studio.services.models.all()[0].id}"
        for _ in range(VISITS):
            assert b"Char-RNN Studio" in urllib.request.urlopen(visit).read()
        wait_until(lambda: len(pages) == 2 * VISITS and studio.hub.num_sessions == 0)
        wait_until(lambda: gc.collect() * 0 or sum(page() is not None for page in pages) <= 2)
    assert studio.hub.num_feeds == 0
    sessions = [found for found in gc.get_objects() if isinstance(found, Session) and found.hub is studio.hub]
    assert all(session.closing.is_set() for session in sessions)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("dashboard")]
