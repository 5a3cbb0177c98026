"""Serve the dashboard: one hub per process, one page per session."""

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
from dashboard.patches import request_handlers
from dashboard.server import health, page_handler
from dashboard.server.allowed_hosts import AllowedHosts
from dashboard.server.auth import CHECK_MILLISECONDS, LOGIN, Authenticator, login_from_json
from dashboard.server.cookies import ALLOWED_HOSTS
from dashboard.server.login_providers import LoginSettings
from dashboard.server.request_guard import MAX_BODY_BYTES, guard
from dashboard.server.security_headers import FramedHeaders, Headers
from dashboard.server.trusted_proxies import TrustedProxies
from dashboard.views.page import build_page

TITLE = "Char-RNN Studio"
HTTP = {
    "max_body_size": MAX_BODY_BYTES,
    "max_buffer_size": 2 * MAX_BODY_BYTES,  # unread bytes of a connection; larger once its websocket is open
    "idle_connection_timeout": 75,  # also applies to incomplete request headers
    "body_timeout": 20,
}
"""Limits of connections, which may be unauthenticated."""
UNLIMITED_MB = 1_000_000
INTERNAL_ERROR = "<h1>Internal error</h1><p>The page cannot be displayed. See the server's log for details.</p>"
LOGGED_OUT = '<h1>You are logged out</h1><p><a href="./login">Log in again</a></p>'

log = logging.getLogger(__name__)


@dataclass
class Studio:
    """The state that all pages of a process share."""

    services: Services
    hub: Hub
    max_upload_bytes: int
    auth: Authenticator | None = None
    """Authenticates users, each of whom sees their own data; `None` if there is no login."""
    _is_preparing: bool = False

    def __post_init__(self) -> None:
        patches.apply()

    @classmethod
    def open(cls, services: Services, *, logins: LoginSettings | None = None) -> "Studio":
        """Create a studio with the given services, which start all waiting trainings from now on."""
        services.queue.serve()
        auth = Authenticator(logins, services.settings.home) if logins else None
        return cls(services, Hub(services), (services.limits.max_upload_mb or UNLIMITED_MB) * 1_000_000, auth)

    def page(self, part: str = "", model_id: str = "") -> pn.viewable.Viewable:
        """Build a page; when a browser has loaded the first one, TensorFlow is imported in the background.

        The details of an error are logged, but not shown on the page.

        Args:
            part: Name of the only view to show, one of `VIEWS`; if empty, the one in the URL, else all tabs.
            model_id: ID of the chosen model; if empty, the one in the URL.
        """
        try:
            services = self._services_of_user()
        except PermissionError:
            return pn.pane.HTML(LOGGED_OUT)
        try:
            page = build_page(services, self.hub, max_upload_bytes=self.max_upload_bytes, part=part, model_id=model_id)
        except Exception:
            log.exception("cannot build a page")
            return pn.pane.HTML(INTERNAL_ERROR)
        if not self._is_preparing:
            pn.state.onload(self._prepare)
        return page

    def _services_of_user(self) -> Services:
        """Return the services of the user whose page is being built.

        Raises:
            PermissionError: The login ended in the meantime.
        """
        if self.auth is None:
            user = panel_user()
            return self.services.seen_by(user) if user else self.services
        context = pn.state.curdoc.session_context if pn.state.curdoc else None
        login = login_from_json(context.token_payload.get(LOGIN)) if context else None
        if login is None or not self.auth.is_valid(login):
            raise PermissionError("no valid login")
        return self.services.seen_by(login.user)

    def _prepare(self) -> None:
        if not self._is_preparing:
            self._is_preparing = True
            self.hub.load(self.services.prepare)

    def close(self) -> None:
        """Stop the threads of the hub and of the authenticator; the services stay open."""
        self.hub.close()
        if self.auth:
            self.auth.close()


def free_port(address: str, port: int) -> int:
    """Return the given port if it is free, else the next free one; 0 means any free port.

    Raises:
        OSError: None of the next hundred ports is free, or the address does not belong to this machine.
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


def create_server(
    studio: Studio,
    *,
    address: str,
    port: int,
    allow_hosts: tuple[str, ...] = (),
    trusted_proxies: tuple[str, ...] = (),
    framed: bool = False,
    loop: IOLoop | None = None,
    **options: Any,
) -> Any:
    """Create a server that listens, but does not respond yet.

    Args:
        studio: The studio to serve.
        address: Address to listen on.
        port: Port to listen on.
        allow_hosts: Additional host names of the server, in the syntax of `--allow-host`.
        trusted_proxies: Trusted proxies, in the syntax of `--trusted-proxy`.
        framed: Whether pages of other sites, such as notebooks, may embed this one in a frame.
        loop: Event loop of the server; the current one if missing.
        options: Additional options of Panel's `get_server`.

    Raises:
        StudioError: A host or a proxy is invalid.
    """
    hosts, proxies = AllowedHosts(address, allow_hosts, port), TrustedProxies(trusted_proxies)
    options |= {
        "address": address,
        "port": port,
        "title": TITLE,
        "transforms": [FramedHeaders if framed else Headers],
        "http_server_kwargs": HTTP,
        "extra_patterns": health.routes(studio.services.not_ready),
        **_auth_options(studio.auth),
    }
    server = get_server({"/": studio.page}, loop=loop, **options)
    request_handlers.settings(server)[ALLOWED_HOSTS] = hosts
    page_handler.install(server, studio.auth)
    guard(server, hosts, proxies, framed=framed)
    if studio.auth:
        PeriodicCallback(studio.auth.close_ended, CHECK_MILLISECONDS).start()
    return server


def serve(studio: Studio, *, threaded: bool = False, start: bool = True, **options: Any) -> Any:
    """Serve a studio.

    Args:
        studio: The studio to serve.
        threaded: Serve on a background thread, and return immediately.
        start: Start the event loop, and return when it ends unless `threaded`; if false, only create the server.
        options: Address, port and other options of `create_server`.

    Returns:
        The server, or its thread if `threaded`. The server already listens.

    Raises:
        StudioError: A host or a proxy is invalid.
    """
    options["server_id"] = uuid.uuid4().hex
    if not threaded:
        return _start(create_server(studio, **options)) if start else create_server(studio, **options)
    is_listening: Future[None] = Future()

    def run(loop: IOLoop, server_id: str) -> Any:
        try:
            server = create_server(studio, loop=loop, **options)
        except Exception as error:
            is_listening.set_exception(error)  # raised in the calling thread
            return None
        is_listening.set_result(None)
        return _start(server) if start else server

    loop = IOLoop(make_current=False)
    thread = StoppableThread(
        target=run, io_loop=loop, kwargs={"loop": loop, "server_id": options["server_id"]}, owns_loop=True
    )
    thread.start()
    is_listening.result()  # the address is usable as soon as this function returns
    return thread


def _start(server: Any) -> Any:
    server.start()
    server.io_loop.start()
    return server


def _auth_options(auth: Authenticator | None) -> dict[str, Any]:
    """Return the options for authentication and for signing the token of a page.

    The token does not contain cookies and most headers, since scripts on the page could read them.
    """
    secret = auth.cookie_secret.encode() if auth else secrets.token_bytes(32)
    options: dict[str, Any] = {
        "sign_sessions": True,
        "secret_key": hmac.digest(secret, b"sessions", "sha256"),
        "include_cookies": [],
        "include_headers": ["Host", "User-Agent"],
    }
    if auth:
        options |= {"auth_provider": auth, "cookie_secret": auth.cookie_secret, **auth.logins.oauth_options}
    return options


def panel_user() -> str:
    """Return the user of the current page under `panel serve`; empty if nobody is logged in.

    Panel's `state.user` also accepts an unsigned "guest" cookie, which anyone could send.
    """
    cookie = pn.state.cookies.get("user")
    if not cookie or config.cookie_secret is None:
        return ""
    user = decode_signed_value(config.cookie_secret, "user", cookie, max_age_days=config.oauth_expiry)
    return user.decode() if user else ""
