"""Limits of unauthenticated connections: bodies, messages, cookies, headers, and pages that cannot be built."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from charrnn.services import Services, open_services
from dashboard.browser_messages.message_filter import LARGEST_BUFFER
from dashboard.server import server as server_module
from dashboard.server.cookies import ALLOWED_HOSTS
from dashboard.server.login_providers import Logins
from dashboard.server.request_guard import MAX_BODY_BYTES
from dashboard.server.server import Studio
from dashboard.server.websocket import BYTES_BEFORE_SESSION, BYTES_OF_MESSAGE
from tests.support.in_process_server import USERS, ServerClient, Tab, logins_in, opened, token_in

HUGE = 100_000_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder, and `users.json`."""
    return tmp_path_factory.mktemp("bounds")


@pytest.fixture(scope="module")
def services(home: Path) -> Iterator[Services]:
    with open_services(home, environ={}) as services:
        yield services


@pytest.fixture(scope="module")
def client(services: Services, home: Path) -> Iterator[ServerClient]:
    """A server with two users."""
    yield from opened(services, logins_in(home))


def post(port: int, host: str, length: str, sent: bytes) -> tuple[bytes, int]:
    """Post a body and return the first line of the answer, and how many bytes went out before the server hung up.

    Raises:
        ConnectionError: The server hung up without an answer.
    """
    head = f"POST /login HTTP/1.1\r\nHost: {host}\r\n{length}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(1000) if not sent else b""
        went = 0
        try:
            while went < HUGE and sent:
                went += connection.send(sent)
            answer = answer or connection.recv(1000)
        except ConnectionError:
            pass
        return answer.partition(b"\r\n")[0], went


@pytest.mark.parametrize(("host", "status"), [("localhost", 413), ("evil.example", 413)])
def test_a_large_body_is_rejected_before_it_is_read(client: ServerClient, host: str, status: int) -> None:
    line, _ = post(client.port, f"{host}:{client.port}", f"Content-Length: {HUGE}", b"")
    assert line.startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize("length", [f"Content-Length: {HUGE}", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_at_most_64_kb_of_a_body_are_read(client: ServerClient, host: str, length: str) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n" if "chunked" in length else b"x" * 0x10000
    _, went = post(client.port, f"{host}:{client.port}", length, chunk)
    kept_by_the_system = 16_000_000  # in the buffers of both sockets
    assert went < MAX_BODY_BYTES + kept_by_the_system
    assert client.server._http.conn_params.max_body_size == MAX_BODY_BYTES


@pytest.mark.parametrize("length", ["-1", "x", "5, 6", "1e9", "", "0x10", "9" * 30])
def test_an_invalid_content_length_is_rejected(client: ServerClient, length: str) -> None:
    line, _ = post(client.port, f"localhost:{client.port}", f"Content-Length: {length}", b"")
    assert re.match(rb"HTTP/1.1 (400|413) ", line), line


def test_idle_and_slow_connections_are_closed(client: ServerClient) -> None:
    parameters = client.server._http.conn_params
    assert 0 < parameters.header_timeout <= 75
    assert 0 < parameters.body_timeout <= 20
    assert client.server._http.max_buffer_size == 2 * MAX_BODY_BYTES


def test_a_login_body_of_the_maximum_size_is_read(client: ServerClient) -> None:
    assert client.try_to_log_in("ada", "x" * (MAX_BODY_BYTES - 100))[0] == 401


@pytest.mark.parametrize("size", [1, BYTES_BEFORE_SESSION, BYTES_BEFORE_SESSION + 1])
def test_messages_before_the_session_exists_are_rejected(
    services: Services, home: Path, size: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    started, builds = threading.Event(), threading.Event()

    def slow(*args: object, **options: object) -> object:
        started.set()
        assert builds.wait(60)
        raise RuntimeError("never mind")

    for client in opened(services, logins_in(home)):
        client.log_in("ada", USERS["ada"])
        token = token_in(client.ask("GET", "/")[2])
        client.server._tornado._applications["/"]._sessions.clear()  # as if another server had sent the page
        monkeypatch.setattr(server_module, "build_page", slow)
        tab = Tab(client, token)
        assert started.wait(60)
        tab.send("x" * size)
        assert tab.is_closed
        builds.set()
    assert "Unhandled exception" not in caplog.text  # Bokeh's line about it would hold all that was sent


def test_a_page_accepts_uploads_and_rejects_endless_messages(client: ServerClient) -> None:
    client.log_in("ada", USERS["ada"])
    tab = Tab.opened(client)
    for part in ('{"msgid": "1", "msgtype": "PATCH-DOC", "num_buffers": 16}', "{}", '{"events": []}'):
        tab.send(part)
    with suppress(WebSocketClosedError, StreamClosedError):  # the server may close while this side still sends
        for _ in range(BYTES_OF_MESSAGE // LARGEST_BUFFER + 1):
            tab.send('{"id": "x"}')
            tab.send(bytes(LARGEST_BUFFER))
    assert tab.is_closed


def cookies(answer: str) -> dict[str, set[str]]:
    """Return the attributes of the cookies in a response, by name."""
    found = {}
    for line in answer.splitlines():
        first, *rest = line.split("; ")
        found[first.partition("=")[0]] = {each for each in rest if "=" not in each or each.startswith("SameSite")}
    return found


OURS = {"HttpOnly", "SameSite=Lax"}


def test_cookies_are_httponly_and_samesite(client: ServerClient) -> None:
    _, headers = client.try_to_log_in("ada", USERS["ada"])
    assert cookies("\n".join(headers.get_all("Set-Cookie", []))) == {"charrnn-login": OURS}
    assert cookies(client.ask("GET", "/logout")[1]["Set-Cookie"]) == {"charrnn-login": OURS}


@pytest.mark.parametrize(
    ("options", "headers", "secure"),
    [
        ({"trusted_proxies": ("127.0.0.1",)}, {"X_Forwarded_Proto": "https"}, True),
        ({"trusted_proxies": ("127.0.0.1",)}, {"X_Forwarded_Proto": "http"}, False),
        ({"trusted_proxies": ("192.0.2.0/24",)}, {"X_Forwarded_Proto": "https"}, False),
        ({"allow_hosts": ("https://studio.example.org",)}, {"Host": "studio.example.org"}, True),
        ({"allow_hosts": ("studio.example.org",)}, {"Host": "studio.example.org"}, False),
    ],
)
def test_cookies_are_secure_with_https(
    services: Services, home: Path, options: dict[str, tuple[str, ...]], headers: dict[str, str], secure: bool
) -> None:
    for client in opened(services, logins_in(home), **options):
        _, sent = client.try_to_log_in("ada", USERS["ada"], **headers)
        assert cookies(sent["Set-Cookie"]) == {"charrnn-login": OURS | ({"Secure"} if secure else set())}
        assert client.server._tornado.settings[ALLOWED_HOSTS].port == client.port


@pytest.mark.parametrize("has_logins", [True, False])
def test_a_page_that_cannot_be_built_shows_no_details(
    services: Services, home: Path, has_logins: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object, **options: object) -> object:
        raise RuntimeError("the secret is 7f3a")

    monkeypatch.setattr(server_module, "build_page", broken)
    for client in opened(services, logins_in(home) if has_logins else Logins()):
        client.log_in("ada", USERS["ada"])
        page = client.ask("GET", "/")[2]
        [session] = client.server.get_sessions("/")
        shown = page + str(session.document.to_json(deferred=False))
        assert "The page cannot be shown" in shown
        assert "7f3a" not in shown and "Traceback" not in shown
    assert "the secret is 7f3a" in caplog.text


def test_a_page_whose_login_ended_while_it_was_built_shows_nothing(services: Services, home: Path) -> None:
    studio = Studio.open(services, logins=logins_in(home))
    assert "You are logged out" in studio.page().object
    studio.close()


@pytest.mark.parametrize("place", ["iframe", "embed", "object", "frame", "fencedframe", "image", "script"])
def test_a_page_cannot_be_framed_by_another_site(client: ServerClient, place: str) -> None:
    client.log_in("ada", USERS["ada"])
    asked = {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": place}
    assert client.ask("GET", "/", Sec_Fetch_Site="cross-site", **asked)[0] == 403
    assert client.ask("GET", "/", Sec_Fetch_Site="same-site", **asked)[0] == 403
    assert (
        client.ask("GET", "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document")[0]
        == 200
    )


def test_another_site_cannot_log_users_out(client: ServerClient) -> None:
    client.log_in("ada", USERS["ada"])
    asked = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    assert client.ask("GET", "/logout", **asked)[0] == 403
    assert client.ask("GET", "/")[0] == 200


def test_a_notebook_may_show_the_page_in_a_frame(services: Services) -> None:
    for client in opened(services, Logins(), framed=True):
        asked = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
        status, headers, _ = client.ask("GET", "/", Sec_Fetch_Dest="iframe", **asked)
        assert status == 200 and "frame-ancestors" not in headers["Content-Security-Policy"]
        assert client.ask("GET", "/", Sec_Fetch_Dest="object", **asked)[0] == 403


def test_a_page_runs_only_its_own_scripts(client: ServerClient) -> None:
    client.log_in("ada", USERS["ada"])
    nonces = set()
    for path in ("/", "/", "/?part=log"):
        _, headers, page = client.ask("GET", path)
        policy = headers["Content-Security-Policy"]
        [nonce] = re.findall(r"'nonce-([\w-]{20,})'", policy)
        nonces.add(nonce)
        assert "'unsafe-inline'" not in re.findall(r"script-src ([^;]*)", policy)[0]
        assert set(re.findall(r"<script(?: nonce=\"([\w-]+)\")?[ >]", page)) == {nonce}
        assert not re.findall(r"<[^>]* on\w+=|javascript:", page)
        assert "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'" in policy
    assert len(nonces) == 3


def test_other_responses_than_pages_run_no_scripts(client: ServerClient) -> None:
    for path in ("/login", "/logout", "/no-such-page", "/healthz"):
        assert client.ask("GET", path)[1]["Content-Security-Policy"].startswith("default-src 'none'; style-src")
    assert "script" not in client.ask("GET", "/login", Host="evil.example")[1]["Content-Security-Policy"]
