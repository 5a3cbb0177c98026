"""OAuth logins with a local provider and a real browser."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from charrnn.services import open_services
from dashboard.server.login_providers import Logins
from tests.support.browser import is_external
from tests.support.in_process_server import ServerClient, opened
from tests.support.waiting import TIMEOUT

SECRET, KEY, CODE, TOKEN = "secret-77ab", "studio-5", "code-19", "token-3c"
ADA, BOB = "ada@example.org", "bob@example.org"


@dataclass
class Provider:
    """A minimal OAuth 2 provider."""

    port: int = 0
    user: str = ADA
    denies: bool = False
    asked: list[str] = field(default_factory=list)
    """Requested paths, in order."""

    @property
    def logins(self) -> Logins:
        """The login settings of a dashboard that uses this provider."""
        here = f"http://127.0.0.1:{self.port}"
        where = {"AUTHORIZE_URL": f"{here}/authorize", "TOKEN_URL": f"{here}/token", "USER_URL": f"{here}/user"}
        return Logins(provider="generic", key=KEY, secret=SECRET, extra=where)

    def authorize(self, query: dict[str, str]) -> str:
        """Return the URL to which a browser is redirected."""
        assert (query["client_id"], query["response_type"]) == (KEY, "code")
        found = {"error": "access_denied"} if self.denies else {"code": CODE}
        return f"{query['redirect_uri']}?{urlencode({**found, 'state': query['state']})}"

    def answer(self, path: str, form: dict[str, str], bearer: str) -> tuple[int, dict[str, Any]]:
        """Return status and JSON of a response to the dashboard."""
        if path == "/token":
            proven = (form.get("client_id"), form.get("client_secret"), form.get("code")) == (KEY, SECRET, CODE)
            return (200, {"access_token": TOKEN}) if proven else (401, {"error": "invalid_grant"})
        return (200, {"email": self.user}) if bearer == f"Bearer {TOKEN}" else (401, {"error": "invalid_token"})


def handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    """Return the request handler of a provider."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _answer(self, body: str) -> None:
            url = urlsplit(self.path)
            provider.asked.append(url.path)
            if url.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", provider.authorize({k: v[0] for k, v in parse_qs(url.query).items()}))
                self.end_headers()
                return
            form = {k: v[0] for k, v in parse_qs(body).items()}
            status, found = provider.answer(url.path, form, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    return Handler


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider on a free port of this machine."""
    provider = Provider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(provider))
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield provider
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(provider: Provider, tmp_path: Path) -> Iterator[ServerClient]:
    """A dashboard with this provider, where Ada and Bob have one model each."""
    with open_services(tmp_path, environ={}) as services:
        services.seen_by(ADA).models.create("Zebulon’s ducks")
        services.seen_by(BOB).models.create("geese")
        yield from opened(services, provider.logins)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that may only load from this machine."""
    asked: list[str] = []
    with chromium.new_context() as context:
        context.set_default_timeout(1000 * TIMEOUT)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        yield page
    assert not [url for url in asked if is_external(url)]


def test_a_user_of_the_provider_logs_in_and_sees_their_models(
    client: ServerClient, provider: Provider, page: Page
) -> None:
    told: list[str] = []
    page.on("request", lambda request: told.append(f"{request.url} {request.post_data}"))
    page.goto(f"http://127.0.0.1:{client.port}/?tab=library")
    page.get_by_text("Zebulon’s ducks").first.wait_for()
    assert page.get_by_text("geese").count() == 0
    assert provider.asked == ["/authorize", "/token", "/user"]
    assert page.url.startswith(f"http://127.0.0.1:{client.port}/")
    assert SECRET not in "".join(told) + page.content() and TOKEN not in "".join(told)
    [cookie] = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("charrnn-login", True, "Lax")
    client.cookie = f"{cookie['name']}={cookie['value']}"
    assert [client.ask("GET", path)[0] for path in ("/", "/logout", "/")] == [200, 200, 302]

    page.context.clear_cookies()
    provider.user = BOB
    page.goto(f"http://127.0.0.1:{client.port}/?tab=library")
    page.get_by_text("geese").first.wait_for()
    assert page.get_by_text("Zebulon’s ducks").count() == 0


def test_a_user_whom_the_provider_rejects_sees_why_and_can_retry(
    client: ServerClient, provider: Provider, page: Page
) -> None:
    provider.denies = True
    page.goto(f"http://127.0.0.1:{client.port}/")
    page.get_by_text("access_denied").first.wait_for()
    provider.denies = False
    page.get_by_role("link", name="Try again").click()
    page.get_by_text("Zebulon’s ducks").first.wait_for()
    assert client.ask("GET", "/")[1]["Location"].startswith("./login")


@pytest.mark.parametrize(
    "query",
    [
        f"code={CODE}",
        f"code={CODE}&state=",
        f"code={CODE}&state=e30=",
        "next=" + quote(f"/?code={CODE}&state="),
        "next=" + quote(f"/?code={CODE}&state=e30="),
    ],
)
def test_defect_a_login_that_was_not_started_here_is_rejected(
    client: ServerClient, provider: Provider, query: str
) -> None:
    """Panel accepts an empty state if no login was started: an attacker could log a user in as the attacker."""
    status, headers, text = client.ask("GET", f"/login?{query}")
    assert status == 403
    assert "was not started here" in text
    assert not provider.asked
    assert "Set-Cookie" not in headers
