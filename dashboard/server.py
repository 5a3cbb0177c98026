"""The dashboard's server: services and hub once a process, a page for each visitor, TensorFlow in the background."""

import socket
import uuid
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import panel as pn
import panel.ui as pui
from panel.config import config
from panel.io.server import get_server
from panel.io.threads import StoppableThread
from tornado.ioloop import IOLoop
from tornado.web import decode_signed_value

from charrnn.core.limits import default
from charrnn.services import Services
from dashboard import browser_messages, front
from dashboard.guard import FramedHeaders, Headers, Names, guard
from dashboard.hub import Hub
from dashboard.logins import Logins
from dashboard.page import build_page

TITLE = "Char-RNN Studio"


@dataclass
class Studio:
    """What all pages of a process share."""

    services: Services
    hub: Hub
    max_upload_bytes: int
    has_logins: bool = False
    """Whether visitors are users, each of whom sees what is theirs."""
    _prepares: bool = False

    @classmethod
    def open(cls, services: Services, *, has_logins: bool = False) -> "Studio":
        """Begin to serve the services' models."""
        megabytes = services.limits.max_upload_mb or default("max_upload_mb")
        return cls(services, Hub(services), megabytes * 1_000_000, has_logins)

    def page(self, part: str = "", model_id: str = "") -> pui.Page:
        """Build a new visitor's page; the first one that a browser shows also has TensorFlow imported.

        Args:
            part: One of the page's parts, alone; what the address asks for if empty.
            model_id: The model to look at; the one in the address if empty.

        Raises:
            PermissionError: Nobody is logged in where somebody has to be.
        """
        user = visitor()
        if self.has_logins and not user:
            raise PermissionError("nobody is logged in")
        services = self.services.seen_by(user) if user else self.services
        page = build_page(services, self.hub, max_upload_bytes=self.max_upload_bytes, part=part, model_id=model_id)
        if not self._prepares:
            pn.state.onload(self._prepare)
        return page

    def _prepare(self) -> None:
        if not self._prepares:
            self._prepares = True
            self.hub.load(self.services.prepare)

    def close(self) -> None:
        """End the hub; the services stay open."""
        self.hub.close()


def free_port(address: str, port: int) -> int:
    """Return the port, or the next one that nobody listens on; any free one for 0.

    Raises:
        OSError: None of the next hundred is free, or the address is not this machine's.
    """
    for candidate in range(port, min(port + 100, 65536)):
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, candidate))
            except OSError as error:
                failure = error
                continue
            return int(probe.getsockname()[1])
    raise failure


def url_here(address: str, port: int) -> str:
    """Return where a server that listens on an address is found from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def serve(
    studio: Studio,
    *,
    address: str,
    port: int,
    names: tuple[str, ...] = (),
    logins: Logins | None = None,
    threaded: bool = False,
    start: bool = True,
    framed: bool = False,
    **options: Any,
) -> Any:
    """Serve pages to whoever may ask.

    Args:
        studio: What to serve; one that has logins if there are any.
        address: Where to listen.
        port: Where to listen.
        names: More names under which the server is asked, as `name` or `name:port`.
        logins: How visitors say who they are; nobody is asked if missing.
        threaded: On a thread of its own.
        start: Begin at once, and return at the end if not `threaded`.
        framed: Pages of others, such as notebooks, may show it in a frame.
        options: More for Panel's server.

    Returns:
        The server, or its thread; with a thread, it listens already.
    """
    front.install()
    server_id = uuid.uuid4().hex
    options |= {
        "address": address, "port": port, "title": TITLE, "server_id": server_id,
        "transforms": [FramedHeaders if framed else Headers],
        "websocket_max_message_size": browser_messages.LARGEST_MESSAGE, **(logins.options if logins else {}),
    }  # fmt: skip

    listens: Future[None] = Future()

    def begin(loop: IOLoop | None = None, server_id: str = "") -> Any:
        try:
            server = get_server({"/": studio.page}, loop=loop, **options)
            guard(server, Names(address, names))
            browser_messages.install(server)
        except Exception as error:
            if not threaded:
                raise
            listens.set_exception(error)  # raised where the thread was started
            return None
        listens.set_result(None)
        if start:
            server.start()
            server.io_loop.start()
        return server

    if not threaded:
        return begin()
    loop = IOLoop(make_current=False)
    thread = StoppableThread(target=begin, io_loop=loop, kwargs={"loop": loop, "server_id": server_id}, owns_loop=True)
    thread.start()
    listens.result()  # whoever is told the address can come at once
    return thread


def visitor() -> str:
    """Return who looks at the page that is being built; empty when nobody logged in.

    Panel's own `state.user` also believes a cookie that says "guest", which anybody can send.
    """
    cookie = pn.state.cookies.get("user")
    if not cookie or config.cookie_secret is None:
        return ""
    user = decode_signed_value(config.cookie_secret, "user", cookie, max_age_days=config.oauth_expiry)
    return user.decode() if user else ""
