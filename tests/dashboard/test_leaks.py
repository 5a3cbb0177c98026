"""Everything that a session started ends with it."""

import gc
import threading
import urllib.request
import weakref

import panel as pn
import pytest

from charrnn.services import Services
from dashboard.hub import Hub
from dashboard.page import build_page
from dashboard.server import Studio, free_port, serve
from dashboard.session import Session
from tests.dashboard.conftest import listens, wait_until

VISITS = 12


@pytest.fixture
def studio(services: Services) -> Studio:
    services.models.create("ducks")
    return Studio(services, Hub(services), 1000, _prepares=True)


def test_closed_pages_leave_nothing_behind(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    pages: list[weakref.ref] = []

    def page() -> object:
        built = build_page(studio.services, studio.hub, max_upload_bytes=1000)
        pages.extend((weakref.ref(built), weakref.ref(pn.state.curdoc)))
        return built

    monkeypatch.setattr(studio, "page", page)
    port = free_port("127.0.0.1", 0)
    server = serve(
        studio, address="127.0.0.1", port=port, threaded=True, verbose=False,
        unused_session_lifetime_milliseconds=100, check_unused_sessions_milliseconds=100,
    )  # fmt: skip
    try:
        wait_until(lambda: listens(port))  # its thread may take a while to begin
        visit = f"http://127.0.0.1:{port}/?model={studio.services.models.all()[0].id}"
        for _ in range(VISITS):
            assert b"Char-RNN Studio" in urllib.request.urlopen(visit).read()
        wait_until(lambda: len(pages) == 2 * VISITS and studio.hub.num_sessions == 0)
        wait_until(lambda: gc.collect() * 0 or sum(page() is not None for page in pages) <= 2)
    finally:
        server.stop()
        studio.close()
    assert studio.hub.num_feeds == 0
    sessions = [found for found in gc.get_objects() if isinstance(found, Session) and found.hub is studio.hub]
    assert all(session.closing.is_set() for session in sessions)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("dashboard")]
