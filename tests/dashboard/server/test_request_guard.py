"""Requests that every route of a running server rejects."""

import re
import sys
from collections.abc import Iterator

import pytest

from charrnn.core.errors import StudioError
from charrnn.services import open_services
from dashboard.server.allowed_hosts import AllowedHosts, is_loopback
from dashboard.server.login_providers import Logins
from tests.support.in_process_server import HANDSHAKE, ServerClient, logins_in, opened

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
APPLICATION = {
    "/?$": "/",
    "/ws$": "/ws",
}
"""Routes that show or change stored data, each with a path."""
FREE = {
    "/favicon.ico$": "/favicon.ico", "/static/(?!extensions/)(.*)$": "/static/js/bokeh.min.js",
    "/static/(.*)$": "/static/js/bokeh-widgets.min.js", "/components/(.*)$": "/components/panel/state/css/x",
    "/static/extensions/(.*)$": "/static/extensions/panel/panel.min.js",
}  # fmt: skip
"""Routes of static files."""
PROBES = {"/healthz$": "/healthz", "/readyz$": "/readyz"}
"""Routes that respond to everybody, without stored data."""
LOGIN = {"/login$": "/login", "/logout$": "/logout"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerClient]:
    """A server without logins."""
    with open_services(tmp_path_factory.mktemp("open"), environ={}) as services:
        yield from opened(services, Logins())


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerClient]:
    """A server with two users."""
    home = tmp_path_factory.mktemp("locked")
    with open_services(home, environ={}) as services:
        yield from opened(services, logins_in(home))


@pytest.fixture
def guest(locked: ServerClient) -> Iterator[ServerClient]:
    """The same server, without a login before and after the test."""
    locked.cookie = ""
    yield locked
    locked.cookie = ""


def everything(routes: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Return every method with every path."""
    for path in routes.values():
        for method in METHODS:
            yield method, path


def test_no_route_is_missing_in_this_file(client: ServerClient, locked: ServerClient) -> None:
    assert client.routes == {*APPLICATION, *FREE, *PROBES}
    assert locked.routes == {*APPLICATION, *FREE, *PROBES, *LOGIN}


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.0.2.7", "[::2]"]
)
def test_an_unknown_host_is_rejected_on_every_route_with_every_method(locked: ServerClient, host: str) -> None:
    for method, path in everything(APPLICATION | FREE | LOGIN):
        status, headers, words = locked.ask(method, path, Host=f"{host}:{locked.port}")
        assert (status, headers["Content-Type"]) == (403, "text/plain; charset=utf-8"), (method, path)
        assert method == "HEAD" or "--allow-host" in words


def origins(port: int) -> list[str]:
    """Origins of other sites, some of them similar to ours."""
    return [
        "http://evil.example", "null", "file://", f"http://localhost:{port + 1}", f"http://localhost:{port}.evil.example",
        f"http://localhost.evil.example:{port}", f"http://evil.localhost:{port}", f"http://localhost@evil.example:{port}",
        f"chrome-extension://localhost:{port}",
    ]  # fmt: skip


def test_an_unknown_origin_is_rejected_on_every_route_with_every_method(locked: ServerClient) -> None:
    for origin in origins(locked.port):
        for method, path in everything(APPLICATION | FREE | LOGIN):
            assert locked.ask(method, path, Origin=origin)[0] == 403, (origin, method, path)
        assert locked.ask("GET", "/ws", **HANDSHAKE, Origin=origin)[0] == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_loads_from_other_sites_are_rejected_and_links_are_not(client: ServerClient, site: str) -> None:
    for method, path in everything(APPLICATION | FREE):
        assert client.ask(method, path, Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors")[0] == 403, (method, path)
    assert client.ask("GET", "/", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate")[0] == 200
    assert client.ask("POST", "/", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate")[0] == 403


def test_without_a_login_every_route_redirects_or_rejects(guest: ServerClient) -> None:
    for method, path in everything(APPLICATION):
        status, headers, _ = guest.ask(method, path)
        assert status in (302, 403, 405), (method, path)
        assert status != 302 or re.match(r"\.?/login\?", headers["Location"]), (method, path)
    assert guest.ask("GET", "/ws", **HANDSHAKE)[0] in (302, 403)
    assert guest.ask("GET", "/ws", **HANDSHAKE, Cookie="is_guest=1; user=ada")[0] in (302, 403)
    assert guest.ask("GET", "/", Cookie='is_guest=1; user="2|1:0|10:1|4:user|4:YWRh|0"')[0] == 302


def test_only_scripts_and_styles_are_served(guest: ServerClient) -> None:
    for path in FREE.values():
        folder = path.rpartition("/")[0]
        for way in ("/../" * 9, "/%2e%2e" * 9 + "/", "/..%2f" * 9, "/%252e%252e" * 9 + "/", "//", "/..\\" * 9):
            assert guest.ask("GET", f"{folder}{way}etc/passwd")[0] in (400, 403, 404), (folder, way)


def test_defect_a_request_cannot_import_a_module(guest: ServerClient) -> None:
    """Panel would import any module, on the event loop's thread, before it checks the request."""
    assert "antigravity" not in sys.modules
    assert guest.ask("GET", "/components/antigravity/fly/css/x")[0] == 403
    assert guest.ask("GET", "/%63omponents/antigravity/fly/css/x")[0] in (403, 404)
    assert "antigravity" not in sys.modules


def test_a_correct_password_logs_in(guest: ServerClient) -> None:
    assert (guest.log_in("ada", "lovely"), guest.ask("GET", "/")[0]) == (302, 200)


@pytest.mark.parametrize(("user", "password"), [("ada", "builder"), ("ada", ""), ("eve", "lovely"), ("", "lovely")])
def test_a_wrong_password_is_rejected(guest: ServerClient, user: str, password: str) -> None:
    guest.log_in(user, password)
    assert guest.ask("GET", "/")[0] == 302


def test_a_cookie_with_a_foreign_signature_is_ignored(guest: ServerClient) -> None:
    from tornado.web import create_signed_value

    guest.cookie = "user=" + create_signed_value("another secret", "user", "ada").decode()
    assert guest.ask("GET", "/")[0] == 302


def test_the_login_page_loads_nothing_from_elsewhere(guest: ServerClient) -> None:
    for path in LOGIN.values():
        page = guest.ask("GET", path + "?error=<script>x</script>")[2]
        assert not re.findall(r"https?://|<script", page)


def test_a_page_contains_nothing_of_another_user(guest: ServerClient) -> None:
    guest.log_in("ada", "lovely")
    guest.ask("GET", "/")
    guest.log_in("bob", "builder")
    assert "ada" not in guest.ask("GET", "/")[2]


def test_every_response_has_security_headers(locked: ServerClient) -> None:
    for path in (APPLICATION | FREE | LOGIN).values():
        headers = locked.ask("GET", path)[1]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
        assert "Tornado" not in headers["Server"]


@pytest.mark.parametrize(
    ("address", "allowed", "host", "accepted"),
    [
        ("127.0.0.1", (), "localhost:5006", True), ("127.0.0.1", (), "LOCALHOST.:8000", True),
        ("127.0.0.1", (), "[::1]:5006", True), ("127.0.0.1", (), "10.0.0.7:5006", False),
        ("0.0.0.0", (), "10.0.0.7:5006", True), ("0.0.0.0", (), "[fe80::1]:5006", True),
        ("0.0.0.0", (), "studio.example.org", False), ("0.0.0.0", ("a.example.org",), "A.example.org", True),
        ("0.0.0.0", ("a.example.org",), "a.example.org:443", True),
        ("0.0.0.0", ("a.example.org",), "a.example.org:5006", True),
        ("0.0.0.0", ("a.example.org",), "a.example.org:8080", False),
        ("0.0.0.0", ("a.example.org:8080",), "a.example.org:8080", True),
        ("0.0.0.0", ("a.example.org:8080",), "a.example.org", False),
        ("0.0.0.0", ("a.example.org:443",), "a.example.org", True),
        ("0.0.0.0", ("studio.example.org:443",), "studio.example.org:444", False),
        ("0.0.0.0", ("https://a.example.org",), "a.example.org", True),
        ("0.0.0.0", ("https://a.example.org",), "a.example.org:5006", False),
        ("0.0.0.0", ("https://a.example.org:8443",), "a.example.org:8443", True),
        ("127.0.0.1", ("studio.example.org",), "studio.example.org.evil.example", False),
    ],
)  # fmt: skip
def test_hosts_are_accepted_by_name_and_port(address: str, allowed: tuple[str, ...], host: str, accepted: bool) -> None:
    assert AllowedHosts(address, allowed, 5006).accepts(host) is accepted


@pytest.mark.parametrize(
    ("allowed", "origin", "trusted"),
    [
        ("studio.example.org", "https://studio.example.org", True),
        ("studio.example.org", "https://evil.example", False),
        ("studio.example.org", "http://studio.example.org:5006", True),
        ("studio.example.org", "http://studio.example.org:8888", False),
        ("studio.example.org:8888", "http://studio.example.org:8888", True),
        ("https://studio.example.org", "https://studio.example.org", True),
        ("https://studio.example.org", "http://studio.example.org", False),
        ("https://studio.example.org", "https://studio.example.org:8443", False),
        ("https://studio.example.org:8443", "https://studio.example.org:8443", True),
        ("http://studio.example.org", "https://studio.example.org", False),
        ("studio.example.org", "https://studio.example.org@evil.example", False),
        ("studio.example.org", "https://studio.example.org/path", False),
    ],
)  # fmt: skip
def test_the_origin_of_an_allowed_proxy_is_accepted(allowed: str, origin: str, trusted: bool) -> None:
    assert AllowedHosts("127.0.0.1", (allowed,), 5006).trusts(origin, "127.0.0.1:5006") is trusted


def test_an_unencrypted_origin_is_rejected_by_an_encrypted_server() -> None:
    names = AllowedHosts("127.0.0.1", ("https://studio.example.org",), 5006)
    assert names.trusts("http://localhost:5006", "localhost:5006", "http")
    assert not names.trusts("http://localhost:5006", "localhost:5006", "https")
    assert not names.trusts("http://studio.example.org", "studio.example.org", "http")


@pytest.mark.parametrize(
    "host", ["", "ftp://a.example.org", "https://a.example.org/path", "a b@c", "a:port", "http://"]
)
def test_an_invalid_host_cannot_be_allowed(host: str) -> None:
    with pytest.raises(StudioError, match="--allow-host is"):
        AllowedHosts("127.0.0.1", (host,))


@pytest.mark.parametrize(
    ("address", "local"), [("127.0.0.9", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("::", False),
                           ("", False), ("192.0.2.7", False), ("no.such.name.invalid", False)]
)  # fmt: skip
def test_loopback_addresses_are_recognized(address: str, local: bool) -> None:
    assert is_loopback(address) is local
