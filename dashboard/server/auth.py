"""Authenticate users: Bokeh's authentication provider, and everything that ends a login.

A login is a signed cookie with three parts: the user, an ID that a logout revokes, and a stamp that changes with the
user's stored password. So a login ends, on every server that shares the cookie secret, the login file and the data
folder, when the user logs out, the password changes, or the user is removed. Open pages are closed with their login: at
once on the server of the logout, within a second elsewhere.
"""

import asyncio
import hashlib
import hmac
import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bokeh.application.handlers.handler import Handler
from bokeh.document import Document
from bokeh.server.auth_provider import AuthProvider
from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler, decode_signed_value

from charrnn.services.login_file import check_user
from dashboard.server.login_providers import Logins
from dashboard.server.login_throttle import LoginThrottle
from dashboard.server.revoked_logins import RevokedLogins

if TYPE_CHECKING:
    from dashboard.server.websocket import PageWebSocket

COOKIE = "charrnn-login"
LOGIN = "login"
"""Entry of a page's token that contains the login."""
LOGIN_DAYS = 1.0
"""Days until a user has to log in again."""
WATCH_MILLISECONDS = 1000
FOLDER = "revoked-logins"


class Login(NamedTuple):
    """A login of a user."""

    user: str
    id: str
    """Identifies the login: of one browser, with all its tabs."""
    stamp: str
    """Changes with the user's stored password."""


class Gate(AuthProvider):
    """Authenticates requests.

    Args:
        logins: How users log in.
        home: The data folder, which stores revoked logins.
    """

    def __init__(self, logins: Logins, home: Path):
        self.logins = logins
        self.cookie_secret = logins.cookie_secret or secrets.token_urlsafe(32)
        self.throttle = LoginThrottle()
        self.num_waiting = 0
        """Passwords that are being verified, or wait for it."""
        # One at a time: each takes 0.2 s and 16 MB.
        self._verifying = ThreadPoolExecutor(1, thread_name_prefix="dashboard passwords")
        self._revoked = RevokedLogins(home / FOLDER, LOGIN_DAYS)
        self._open: dict[Login, set[PageWebSocket]] = {}
        super().__init__()

    def close(self) -> None:
        """End the thread that verifies passwords."""
        self._verifying.shutdown(wait=False, cancel_futures=True)

    async def verify(self, user: str, password: str) -> bool:
        """Return whether a password is correct, without blocking the event loop."""
        if self.logins.users is None:
            return False
        self.num_waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._verifying, self.logins.users.verify, user, password)
        finally:
            self.num_waiting -= 1

    def begin(self, user: str) -> Login:
        """Return a new login of an authenticated user.

        Raises:
            StudioError: The user name is invalid.
        """
        check_user(user)
        return Login(user, secrets.token_urlsafe(16), self._stamp(user))

    def end(self, login: Login) -> None:
        """Revoke a login and close its pages."""
        self._revoked.add(login.id)
        self._close([each for each in self._open if each.id == login.id])

    def is_valid(self, login: Login) -> bool:
        """Return whether a login is valid: not revoked, of an existing user, with the current password."""
        stamp = self._stamp(login.user)
        return bool(stamp) and hmac.compare_digest(stamp, login.stamp) and login.id not in self._revoked

    def login_of(self, request: HTTPServerRequest) -> Login | None:
        """Return the login of a request; `None` if it has no valid one."""
        sent = request.cookies.get(COOKIE)
        cookie = decode_signed_value(self.cookie_secret, COOKIE, sent.value, LOGIN_DAYS) if sent else None
        login = read_login(json.loads(cookie)) if cookie else None
        return login if login and self.is_valid(login) else None

    def opened(self, login: Login, socket: "PageWebSocket") -> None:
        """Register an open page, so that it is closed with its login."""
        self._open.setdefault(login, set()).add(socket)

    def closed(self, login: Login, socket: "PageWebSocket") -> None:
        """Unregister a page."""
        pages = self._open.get(login, set())
        pages.discard(socket)
        if not pages:
            self._open.pop(login, None)

    async def watch(self) -> None:
        """Close the pages of logins that ended on another server, or by a change of the login file."""
        logins = list(self._open)
        if logins:
            ended = await asyncio.to_thread(lambda: [login for login in logins if not self.is_valid(login)])
            self._close(ended)

    def _close(self, logins: list[Login]) -> None:
        for login in logins:
            for page in self._open.pop(login, set()):
                page.end()

    def _stamp(self, user: str) -> str:
        """Return a user's stamp; empty for an unknown user."""
        stored = self.logins.users.stored(user) if self.logins.users else self.logins.provider
        if not stored:
            return ""
        return hmac.new(self.cookie_secret.encode(), f"{user}\0{stored}".encode(), hashlib.sha256).hexdigest()

    @property
    def get_user(self) -> Any:
        """Return a function that returns the user of a request; Bokeh calls it for every page and websocket."""
        return lambda handler: login.user if (login := self.login_of(handler.request)) else None

    @property
    def login_url(self) -> str:
        """URL to which users without a login are redirected."""
        return "/login"

    @property
    def login_handler(self) -> type[RequestHandler]:
        """Request handler of this URL."""
        from dashboard.server.login_pages import PasswordLogin, oauth_login

        return PasswordLogin if self.logins.users else oauth_login(self.logins.provider)

    @property
    def logout_url(self) -> str:
        """URL that ends a login."""
        return "/logout"

    @property
    def logout_handler(self) -> type[RequestHandler]:
        """Request handler of this URL."""
        from dashboard.server.login_pages import Logout

        return Logout


class Binding(Handler):
    """Adds the login to the token of each page, so that the token is useless with another login."""

    def __init__(self, gate: Gate):
        super().__init__()
        self._gate = gate

    def modify_document(self, doc: Document) -> None:
        """Do nothing: the page is built elsewhere."""

    def process_request(self, request: HTTPServerRequest) -> dict[str, Any]:
        """Return the additional content of a token."""
        login = self._gate.login_of(request)
        return {LOGIN: list(login)} if login else {}


def read_login(found: Any) -> Login | None:
    """Return a login from its JSON; `None` if it is not valid."""
    if isinstance(found, list) and len(found) == 3 and all(isinstance(part, str) for part in found):
        return Login(*found)
    return None
