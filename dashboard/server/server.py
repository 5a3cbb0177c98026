"""The dashboard's server: services and hub once a process, a page for each visitor, TensorFlow in the background."""

import hmac
import logging
import secrets
import socket
import uuid
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import panel as pn
from panel.config import config
from panel.io.server import get_server
from panel.io.threads import StoppableThread
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.web import decode_signed_value

from charrnn.services import Services
from dashboard import patches
from dashboard.live.hub import Hub
from dashboard.patches import request_routes
from dashboard.server import health, page_handler
from dashboard.server.allowed_hosts import Names
from dashboard.server.auth import LOGIN, WATCH_MILLISECONDS, Gate, read_login
from dashboard.server.cookies import NAMES
from dashboard.server.login_providers import Logins
from dashboard.server.request_guard import MOST_BODY_BYTES, guard
from dashboard.server.security_headers import FramedHeaders, Headers
from dashboard.server.trusted_proxies import Proxies
from dashboard.views.page import build_page

TITLE = "Char-RNN Studio"
HTTP = {
    "max_body_size": MOST_BODY_BYTES,
    "max_buffer_size": 2 * MOST_BODY_BYTES,  # of what came and was not read; more once a page's websocket is open
    "idle_connection_timeout": 75,  # also of a request whose headers do not end
    "body_timeout": 20,
}
"""Bounds of what a connection may cost before anybody knows whose it is."""
UNLIMITED_MB = 1_000_000
BROKEN = (
    "<h1>The page cannot be shown</h1><p>Something went wrong on the server; its log says what. Try again later.</p>"
)
LOGGED_OUT = '<h1>You are logged out</h1><p><a href="./login">Log in again</a></p>'

log = logging.getLogger(__name__)


@dataclass
class Studio:
    """What all pages of a process share."""

    services: Services
    hub: Hub
    max_upload_bytes: int
    gate: Gate | None = None
    """Asks visitors who they are; each then sees what is theirs. `None` where nobody is asked."""
    _prepares: bool = False

    def __post_init__(self) -> None:
        patches.apply()

    @classmethod
    def open(cls, services: Services, *, logins: Logins | None = None) -> "Studio":
        """Begin to serve the services' models."""
        gate = Gate(logins, services.settings.home) if logins else None
        return cls(services, Hub(services), (services.limits.max_upload_mb or UNLIMITED_MB) * 1_000_000, gate)

    def page(self, part: str = "", model_id: str = "") -> pn.viewable.Viewable:
        """Build a new visitor's page; the first one that a browser shows also has TensorFlow imported.

        Whatever goes wrong, the visitor gets a page without details, and the log has them.

        Args:
            part: One of the page's parts, alone; what the address asks for if empty.
            model_id: The model to look at; the one in the address if empty.
        """
        try:
            services = self._services_of_visitor()
        except PermissionError:
            return pn.pane.HTML(LOGGED_OUT)
        try:
            page = build_page(services, self.hub, max_upload_bytes=self.max_upload_bytes, part=part, model_id=model_id)
        except Exception:
            log.exception("cannot build a page")
            return pn.pane.HTML(BROKEN)
        if not self._prepares:
            pn.state.onload(self._prepare)
        return page

    def _services_of_visitor(self) -> Services:
        """Return what the visitor can do whose page is being built.

        Raises:
            PermissionError: The login ended meanwhile.
        """
        if self.gate is None:
            user = panel_user()
            return self.services.seen_by(user) if user else self.services
        context = pn.state.curdoc.session_context if pn.state.curdoc else None
        login = read_login(context.token_payload.get(LOGIN)) if context else None
        if login is None or not self.gate.is_valid(login):
            raise PermissionError("nobody is logged in")
        return self.services.seen_by(login.user)

    def _prepare(self) -> None:
        if not self._prepares:
            self._prepares = True
            self.hub.load(self.services.prepare)

    def close(self) -> None:
        """End the hub and the threads of logins; the services stay open."""
        self.hub.close()
        if self.gate:
            self.gate.close()


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


def serve(
    studio: Studio,
    *,
    address: str,
    port: int,
    names: tuple[str, ...] = (),
    proxies: tuple[str, ...] = (),
    threaded: bool = False,
    start: bool = True,
    framed: bool = False,
    **options: Any,
) -> Any:
    """Serve pages to whoever may ask.

    Args:
        studio: What to serve, and to whom.
        address: Where to listen.
        port: Where to listen.
        names: More names under which the server is asked, as `--allow-host` takes them.
        proxies: Trusted proxies, as `--trusted-proxy` takes them.
        threaded: On a thread of its own.
        start: Begin at once, and return at the end if not `threaded`.
        framed: Pages of others, such as notebooks, may show it in a frame.
        options: More for Panel's server.

    Returns:
        The server, or its thread; with a thread, it listens already.

    Raises:
        StudioError: A name or a proxy is not one.
    """
    server_id = uuid.uuid4().hex
    known, trusted = Names(address, names, port), Proxies(proxies)
    options |= {
        "address": address, "port": port, "title": TITLE, "server_id": server_id,
        "transforms": [FramedHeaders if framed else Headers], "http_server_kwargs": HTTP,
        "extra_patterns": health.routes(studio.services.not_ready), **_identity(studio.gate),
    }  # fmt: skip

    listens: Future[None] = Future()

    def begin(loop: IOLoop | None = None, server_id: str = "") -> Any:
        try:
            server = get_server({"/": studio.page}, loop=loop, **options)
            request_routes.settings(server)[NAMES] = known
            page_handler.install(server, studio.gate)
            guard(server, known, trusted, framed=framed)
            if studio.gate:
                PeriodicCallback(studio.gate.watch, WATCH_MILLISECONDS).start()
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


def _identity(gate: Gate | None) -> dict[str, Any]:
    """Return the options that say who a visitor is, and sign what they are sent.

    Cookies and headers stay out of the token in the page, where scripts could read them.
    """
    secret = gate.cookie_secret.encode() if gate else secrets.token_bytes(32)
    signed: dict[str, Any] = {
        "sign_sessions": True, "secret_key": hmac.digest(secret, b"sessions", "sha256"),
        "include_cookies": [], "include_headers": ["Host", "User-Agent"],
    }  # fmt: skip
    if gate:
        signed |= {"auth_provider": gate, "cookie_secret": gate.cookie_secret, **gate.logins.oauth_options}
    return signed


def panel_user() -> str:
    """Return who looks at the page that is being built, where Panel's own server asks; empty when nobody logged in.

    Panel's `state.user` also believes a cookie that says "guest", which anybody can send.
    """
    cookie = pn.state.cookies.get("user")
    if not cookie or config.cookie_secret is None:
        return ""
    user = decode_signed_value(config.cookie_secret, "user", cookie, max_age_days=config.oauth_expiry)
    return user.decode() if user else ""
