"""The page's HTML, before its websocket is open."""

import itertools
import re
import urllib.request
from collections.abc import Iterator

import panel as pn
import pytest
from bokeh.util.token import get_session_id

from charrnn.services import Services
from dashboard.server.login_providers import Logins
from dashboard.server.server import free_port
from tests.support.in_process_server import ServerClient, Tab, opened, token_in
from tests.support.waiting import listens, wait_until


@pytest.fixture
def client(services: Services) -> Iterator[ServerClient]:
    """A server without logins."""
    yield from opened(services, Logins(), verbose=False)


def test_each_user_gets_a_session_of_their_own(client: ServerClient) -> None:
    ids = {get_session_id(token_in(client.ask("GET", "/")[2])) for _ in range(3)}
    assert len(ids) == 3


def test_a_browser_that_connects_finds_the_page_that_was_built_for_it(client: ServerClient) -> None:
    tab = Tab(client, token_in(client.ask("GET", "/?tab=options")[2]))
    [tab.receive() for _ in range(3)]
    assert tab.pull()["roots"]


def test_each_answer_has_a_nonce_of_its_own_for_all_of_its_scripts(client: ServerClient) -> None:
    nonces = set()
    for _ in range(2):
        _, headers, text = client.ask("GET", "/")
        [nonce] = set(re.findall(r'<script nonce="([^"]+)"', text))
        assert "<script>" not in text
        assert f"'nonce-{nonce}'" in headers["Content-Security-Policy"]
        nonces.add(nonce)
    assert len(nonces) == 2


def test_other_panel_apps_of_the_process_are_left_alone(client: ServerClient) -> None:
    port, visits = free_port("127.0.0.1", 0), itertools.count()
    other = pn.serve(
        {"/": lambda: pn.pane.Markdown(f"visit {next(visits)}")}, port=port, show=False, threaded=True, verbose=False
    )
    try:
        wait_until(lambda: listens(port))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
            assert "Content-Security-Policy" not in answer.headers
        assert next(visits) == 1
    finally:
        other.stop()
