"""What a visitor gets before the page is built."""

import re
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import panel as pn
import pytest
from bokeh.util.token import get_session_id

from charrnn.services import Services
from dashboard.live.hub import Hub
from dashboard.server import first_paint
from dashboard.server.first_paint import visit
from dashboard.server.server import Studio, free_port, serve, url_here
from tests.support.http_client import ServerClient as Visitors
from tests.support.http_client import Tab
from tests.support.waiting import wait_until


class ServerClient:
    """A server of this process whose pages are built only while `builds` is set."""

    def __init__(self, services: Services, monkeypatch: pytest.MonkeyPatch):
        self.studio = Studio(services, Hub(services), 1000, _prepares=True)
        self.builds = threading.Event()
        self.builds.set()
        self.begun = 0
        self.built: list[bytes] = []
        self.asked: list[str] = []
        """What the address of each page asked for."""
        build = self.studio.page

        def page() -> object:
            self.begun += 1
            assert self.builds.wait(60)
            self.asked.append(pn.state.location.search)
            self.built.append(pn.state.session_args.get("model", [b""])[0])
            return build()

        monkeypatch.setattr(self.studio, "page", page)
        port = free_port("127.0.0.1", 0)
        self.url = url_here("127.0.0.1", port)
        self._visitors = Visitors(port)
        self._server = serve(self.studio, address="127.0.0.1", port=port, threaded=True, verbose=False)

    def visit(self, query: str = "") -> str:
        """Return what a visitor gets."""
        return urllib.request.urlopen(self.url + query, timeout=60).read().decode()

    def pull(self, page: str) -> dict[str, Any]:
        """Connect as a browser that was sent a page; return what it is made of."""
        tab = Tab(self._visitors, token(page))
        [tab.receive() for _ in range(3)]
        return tab.pull()

    def close(self) -> None:
        """End the server."""
        for tab in self._visitors.tabs:
            tab.close()
        self.builds.set()
        self._server.stop()
        self.studio.close()


@pytest.fixture
def new_door(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServerClient]:
    """A server that nobody visited yet."""
    client = ServerClient(services, monkeypatch)
    yield client
    client.close()


@pytest.fixture
def client(new_door: ServerClient) -> ServerClient:
    """A server that was visited once."""
    wait_until(lambda: answers(new_door.url))
    return new_door


def answers(url: str) -> bool:
    """Tell whether a server is there."""
    try:
        return bool(urllib.request.urlopen(url).read())
    except OSError:
        return False


def token(page: str) -> str:
    """Return what a page opens its connection with."""
    [found] = re.findall(r'"token":"([^"]+)"', page)
    return found


def same(page: str) -> str:
    """Return what every visitor is sent."""
    return re.sub(r'nonce="[^"]+"', "nonce", page.replace(token(page), "token"))


def test_the_first_picture_does_not_wait_for_the_page(client: ServerClient) -> None:
    whole = client.visit()
    wait_until(lambda: len(client.built) == 2)
    client.builds.clear()
    first = client.visit("?tab=write&model=someone")
    assert client.built[2:] == []
    assert same(first) == same(whole)
    client.builds.set()
    wait_until(lambda: client.built[2:] == [b"someone"])


def test_each_visitor_has_a_page_of_their_own(client: ServerClient) -> None:
    ids = {get_session_id(token(client.visit())) for _ in range(3)}
    assert len(ids) == 3


def test_a_browser_that_connects_finds_the_page_that_was_begun_for_it(client: ServerClient) -> None:
    client.visit()
    wait_until(lambda: len(client.built) == 2)
    assert client.pull(client.visit())["roots"]
    assert len(client.built) == 3


def test_a_browser_that_is_quicker_than_its_style_sheets_finds_the_page_that_was_begun_for_it(
    client: ServerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.visit()
    wait_until(lambda: len(client.built) == 2)
    happened: list[str] = []
    monkeypatch.setattr(first_paint, "SHEETS_SECONDS", 1.5)
    monkeypatch.setattr(first_paint, "patch_model_css", lambda root, dist_url: happened.append("put right"))
    page = client.visit("?tab=options")
    with ThreadPoolExecutor() as elsewhere:
        assert elsewhere.submit(client.pull, page).result()["roots"]
        happened.append("sent")
    time.sleep(2)
    assert "put right" in happened and happened[-1] == "sent"
    assert client.asked[2:] == ["?tab=options"]  # begun by its connection, it would not know the address


def test_who_comes_during_the_server_s_own_first_visit_waits_for_it(new_door: ServerClient) -> None:
    new_door.builds.clear()
    visit(new_door.url)
    wait_until(lambda: new_door.begun == 1)
    with ThreadPoolExecutor() as elsewhere:
        visitor = elsewhere.submit(new_door.visit)
        time.sleep(0.5)
        assert new_door.begun == 1
        new_door.builds.set()
        assert token(visitor.result())
    wait_until(lambda: new_door.begun == 2)


def test_nobody_waits_for_a_first_visit_that_failed(new_door: ServerClient) -> None:
    visit(f"{new_door.url}nothing-is-here")
    wait_until(lambda: answers(new_door.url))
    assert len(new_door.built) == 1


def test_a_server_visits_itself_without_a_proxy(new_door: ServerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    visit(new_door.url)
    wait_until(lambda: len(new_door.built) == 1)


@pytest.mark.parametrize("query", ["?part=write", "?theme=dark"])
def test_what_asks_for_more_than_the_page_is_built_first(client: ServerClient, query: str) -> None:
    before = len(client.built)
    assert "<title>Char-RNN Studio</title>" in client.visit(query)
    assert len(client.built) == before + 1


def test_pages_of_others_are_left_alone(client: ServerClient) -> None:
    port = free_port("127.0.0.1", 0)
    count = iter(range(9))
    other = pn.serve(
        {"/": lambda: pn.pane.Markdown(f"visit {next(count)}")}, port=port, show=False, threaded=True, verbose=False
    )
    try:
        url = url_here("127.0.0.1", port)
        wait_until(lambda: answers(url))
        urllib.request.urlopen(url).read()
        assert next(count) == 2
    finally:
        other.stop()


@pytest.mark.parametrize(
    ("address", "url"), [("127.0.0.1", "http://127.0.0.1:7/"), ("0.0.0.0", "http://127.0.0.1:7/"), ("::", "http://[::1]:7/")]
)  # fmt: skip
def test_where_a_server_finds_itself(address: str, url: str) -> None:
    assert url_here(address, 7) == url
