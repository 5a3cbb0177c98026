"""A server in this process, and a way to ask it anything, as no browser would."""

import http.client
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import panel as pn

from charrnn.services import Services
from dashboard.logins import Logins
from dashboard.server import Studio, free_port, serve
from tests.dashboard.conftest import listens, wait_until

USERS = {"ada": "lovely", "bob": "builder"}


@dataclass
class Door:
    """A running server, and a way to ask it anything."""

    port: int
    server: Any = None
    """Bokeh's, where it runs in this process."""
    cookie: str = field(default="")
    studio: Any = None

    @property
    def routes(self) -> set[str]:
        """Every route that the server knows, as it spells them."""
        return {rule.matcher.regex.pattern for rule in self.server._tornado.wildcard_router.rules}

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, dict[str, str], str]:
        """Return status, headers and text of the answer; header names with `_` for `-`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {"Cookie": self.cookie} if self.cookie else {}
        connection.request(method, path, body, {"Host": f"localhost:{self.port}", **kept, **named})
        answer = connection.getresponse()
        text = "" if answer.status == 101 else answer.read().decode(errors="replace")
        connection.close()
        return answer.status, dict(answer.getheaders()), text

    def log_in(self, user: str, password: str) -> int:
        """Log in, and keep the cookies; return the status."""
        form = urlencode({"username": user, "password": password})
        kind = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", "/login", form, {"Host": f"localhost:{self.port}", "Content-Type": kind})
        answer = connection.getresponse()
        answer.read()
        self.cookie = "; ".join(c.partition(";")[0] for c in answer.headers.get_all("Set-Cookie", []) if "=" in c)
        connection.close()
        return answer.status


def opened(services: Services, logins: Logins) -> Iterator[Door]:
    """Serve a data folder from a thread."""
    studio = Studio.open(services, has_logins=bool(logins))
    studio._prepares = True
    port = free_port("127.0.0.1", 0)
    thread = serve(studio, address="127.0.0.1", port=port, threaded=True, logins=logins)
    wait_until(lambda: listens(port) and thread.server_id in pn.state._servers)
    server, _, _ = pn.state._servers[thread.server_id]
    yield Door(port, server, studio=studio)
    thread.stop()
    studio.close()
