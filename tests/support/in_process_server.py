"""Run a server in this process and send it arbitrary HTTP and websocket requests."""

import asyncio
import http.client
import json
import re
import threading
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import panel as pn
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from charrnn.services import Services
from charrnn.services.login_file import Users
from dashboard.server.login_providers import Logins
from dashboard.server.server import Studio, free_port, serve
from tests.support.waiting import TIMEOUT, listens, wait_until

HANDSHAKE = {
    "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "ZHVja3MgZHVja3MgZHVja3M=", "Sec-WebSocket-Protocol": "bokeh, nothing",
}  # fmt: skip
USERS = {"ada": "lovely", "bob": "builder"}


@dataclass
class ServerClient:
    """A running server and a client for arbitrary requests."""

    port: int
    server: Any = None
    """Bokeh's server, if it runs in this process."""
    cookie: str = field(default="")
    tabs: "list[Tab]" = field(default_factory=list)
    """Tabs to close with the server."""
    studio: Any = None

    @property
    def routes(self) -> set[str]:
        """The patterns of all routes of the server."""
        return {rule.matcher.regex.pattern for rule in self.server._tornado.wildcard_router.rules}

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, dict[str, str], str]:
        """Send a request; return status, headers and body. Header names have `_` for `-`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {"Cookie": self.cookie} if self.cookie else {}
        connection.request(method, path, body, {"Host": f"localhost:{self.port}", **kept, **named})
        response = connection.getresponse()
        text = "" if response.status == 101 else response.read().decode(errors="replace")
        connection.close()
        return response.status, dict(response.getheaders()), text

    def request_websocket(self, token: str, cookie: str = "") -> int:
        """Request a websocket; return the status."""
        handshake = {**HANDSHAKE, "Sec-WebSocket-Protocol": f"bokeh, {token}"}
        return self.ask("GET", "/ws", Origin=f"http://localhost:{self.port}", Cookie=cookie, **handshake)[0]

    def log_in(self, user: str, password: str) -> int:
        """Log in and keep the cookies; return the status."""
        return self.try_to_log_in(user, password)[0]

    def try_to_log_in(self, user: str, password: str, path: str = "/login", **headers: str) -> tuple[int, HTTPMessage]:
        """Log in and keep the cookies; return status and headers."""
        form = urlencode({"username": user, "password": password})
        kind = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Host": f"localhost:{self.port}", "Content-Type": kind, **named}
        connection.request("POST", path, form, sent)
        response = connection.getresponse()
        response.read()
        self.cookie = "; ".join(c.partition(";")[0] for c in response.headers.get_all("Set-Cookie", []) if "=" in c)
        connection.close()
        return response.status, response.headers


def logins_in(folder: Path, users: Mapping[str, str] = USERS) -> Logins:
    """Write a login file with plain-text passwords, because hashing is slow."""
    file = folder / "users.json"
    file.write_text(json.dumps(users))
    return Logins(users=Users(file))


def opened(services: Services, logins: Logins, **options: Any) -> Iterator[ServerClient]:
    """Serve a data folder in a thread."""
    studio = Studio.open(services, logins=logins)
    studio._prepares = True
    port = free_port("127.0.0.1", 0)
    thread = serve(studio, address="127.0.0.1", port=port, threaded=True, **options)
    wait_until(lambda: listens(port) and thread.server_id in pn.state._servers)
    server, _, _ = pn.state._servers[thread.server_id]
    client = ServerClient(port, server, studio=studio)
    try:
        yield client
        for tab in client.tabs:
            tab.close()
    finally:
        thread.stop()
        studio.close()


def token_in(page: str) -> str:
    """Return the token with which a page opens its websocket."""
    [found] = re.findall(r'"token":"([^"]+)"', page)
    return found


class Tab:
    """The websocket of a page, as a browser tab opens it."""

    def __init__(self, client: ServerClient, token: str):
        # Playwright runs an event loop on the main thread.
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tab", daemon=True)
        self._thread.start()
        sent = {"Origin": f"http://localhost:{client.port}", "Cookie": client.cookie}
        request = HTTPRequest(f"ws://localhost:{client.port}/ws", headers=sent)

        async def connect() -> WebSocketClientConnection:
            return await websocket_connect(request, subprotocols=["bokeh", token])

        self._socket = self._run(connect())
        self._is_closed = False
        client.tabs.append(self)

    def _run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(TIMEOUT)

    @classmethod
    def opened(cls, client: ServerClient, path: str = "/") -> "Tab":
        """Open a page and its websocket."""
        tab = cls(client, token_in(client.ask("GET", path)[2]))
        assert json.loads(tab.receive() or "")["msgtype"] == "ACK"
        tab.receive()
        tab.receive()
        return tab

    def receive(self) -> str | None:
        """Return the next part of a message; `None` after the server closed the websocket."""
        if self._is_closed:
            return None
        found = self._run(self._receive())
        self._is_closed = found is None
        return found

    async def _receive(self) -> str | None:
        found = await self._socket.read_message()
        return found if found is None else str(found)

    def send(self, message: str | bytes) -> None:
        """Send a part of a message."""
        self._run(self._send(message))

    async def _send(self, message: str | bytes) -> None:
        await self._socket.write_message(message, binary=isinstance(message, bytes))

    @property
    def is_closed(self) -> bool:
        """Whether the server closed the websocket; waits for its next message or the end of the connection."""
        return self.receive() is None

    def is_responsive(self) -> bool:
        """Return whether the page still responds."""
        return bool(self._request("PULL-DOC"))

    def pull(self) -> dict[str, Any]:
        """Return the page's document, as it is sent to a browser."""
        document: dict[str, Any] = json.loads(self._request("PULL-DOC"))["doc"]
        return document

    def _request(self, kind: str) -> str:
        """Send a request and return the content of the reply; empty if the server closed the websocket."""
        for part in (json.dumps({"msgid": "1000", "msgtype": f"{kind}-REQ"}), "{}", "{}"):
            self.send(part)
        parts = [self.receive() or "" for _ in range(3)]
        assert not parts[0] or json.loads(parts[0])["msgtype"] == f"{kind}-REPLY"
        return parts[2]

    def close(self) -> None:
        """Close the websocket."""
        self._run(self._close())
        while self.receive() is not None:
            pass
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._socket.close()
