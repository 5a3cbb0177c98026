"""Decide who is logged in: Bokeh's authentication provider, and everything that ends a login.

A login is a signed cookie with three parts: the user, an id that logging out revokes, and a stamp that changes with the
user's stored password. So a login ends, on every server that shares the cookie secret, the login file and the data
folder, when the user logs out, the password changes, or the user is removed. Open pages end with their login: at once
on the server where somebody logs out, within a second elsewhere.
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
from dashboard.server.login_throttle import Throttle
from dashboard.server.revoked_logins import Revoked

if TYPE_CHECKING:
    from dashboard.server.websocket import Socket

COOKIE = "charrnn-login"
LOGIN = "login"
"""Entry of a page's token."""
LOGIN_DAYS = 1.0
"""Days until a visitor has to log in again."""
WATCH_MILLISECONDS = 1000
FOLDER = "revoked-logins"


class Login(NamedTuple):
    """A visitor who proved who they are."""

    user: str
    id: str
    """Names this one login: of one browser, with all its tabs."""
    stamp: str
    """Changes with the user's stored password."""


class Gate(AuthProvider):
    """Asks visitors who they are.

    Args:
        logins: How they say it.
        home: The data folder, where revoked logins are remembered.
    """

    def __init__(self, logins: Logins, home: Path):
        self.logins = logins
        self.cookie_secret = logins.cookie_secret or secrets.token_urlsafe(32)
        self.throttle = Throttle()
        self.num_waiting = 0
        """Passwords that wait for their turn to be verified, or are being verified."""
        # one at a time: each takes a fifth of a second and 16 MB
        self._verifying = ThreadPoolExecutor(1, thread_name_prefix="dashboard passwords")
        self._revoked = Revoked(home / FOLDER, LOGIN_DAYS)
        self._open: dict[Login, set[Socket]] = {}
        super().__init__()

    def close(self) -> None:
        """End the threads that verify passwords."""
        self._verifying.shutdown(wait=False, cancel_futures=True)

    async def verify(self, user: str, password: str) -> bool:
        """Return whether a password is this user's; the event loop turns meanwhile."""
        if self.logins.users is None:
            return False
        self.num_waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._verifying, self.logins.users.verify, user, password)
        finally:
            self.num_waiting -= 1

    def begin(self, user: str) -> Login:
        """Return a new login of a user who just proved who they are.

        Raises:
            StudioError: The name cannot be taken.
        """
        check_user(user)
        return Login(user, secrets.token_urlsafe(16), self._stamp(user))

    def end(self, login: Login) -> None:
        """Revoke a login and close its pages."""
        self._revoked.add(login.id)
        self._close([each for each in self._open if each.id == login.id])

    def is_valid(self, login: Login) -> bool:
        """Return whether a login still counts: not revoked, of a user who exists, with the password of now."""
        stamp = self._stamp(login.user)
        return bool(stamp) and hmac.compare_digest(stamp, login.stamp) and login.id not in self._revoked

    def login_of(self, request: HTTPServerRequest) -> Login | None:
        """Return the login that a request carries, if it is valid."""
        sent = request.cookies.get(COOKIE)
        cookie = decode_signed_value(self.cookie_secret, COOKIE, sent.value, LOGIN_DAYS) if sent else None
        login = read_login(json.loads(cookie)) if cookie else None
        return login if login and self.is_valid(login) else None

    def opened(self, login: Login, socket: "Socket") -> None:
        """Remember an open page, so that it ends with its login."""
        self._open.setdefault(login, set()).add(socket)

    def closed(self, login: Login, socket: "Socket") -> None:
        """Forget a page."""
        pages = self._open.get(login, set())
        pages.discard(socket)
        if not pages:
            self._open.pop(login, None)

    async def watch(self) -> None:
        """Close the pages of logins that ended elsewhere: on another server, or by a change of the login file."""
        logins = list(self._open)
        if logins:
            ended = await asyncio.to_thread(lambda: [login for login in logins if not self.is_valid(login)])
            self._close(ended)

    def _close(self, logins: list[Login]) -> None:
        for login in logins:
            for page in self._open.pop(login, set()):
                page.end()

    def _stamp(self, user: str) -> str:
        """Return a user's stamp; empty if there is no such user."""
        stored = self.logins.users.stored(user) if self.logins.users else self.logins.provider
        if not stored:
            return ""
        return hmac.new(self.cookie_secret.encode(), f"{user}\0{stored}".encode(), hashlib.sha256).hexdigest()

    @property
    def get_user(self) -> Any:
        """Return the user of a request; Bokeh calls it for every page and websocket."""
        return lambda handler: login.user if (login := self.login_of(handler.request)) else None

    @property
    def login_url(self) -> str:
        """Where visitors without a login are sent."""
        return "/login"

    @property
    def login_handler(self) -> type[RequestHandler]:
        """Answers there."""
        from dashboard.server.login_pages import PasswordLogin, oauth_login

        return PasswordLogin if self.logins.users else oauth_login(self.logins.provider)

    @property
    def logout_url(self) -> str:
        """Where a login is ended."""
        return "/logout"

    @property
    def logout_handler(self) -> type[RequestHandler]:
        """Answers there."""
        from dashboard.server.login_pages import Logout

        return Logout


class Binding(Handler):
    """Writes the login into the token of each page, so that with another login it opens nothing."""

    def __init__(self, gate: Gate):
        super().__init__()
        self._gate = gate

    def modify_document(self, doc: Document) -> None:
        """Leave the page alone."""

    def process_request(self, request: HTTPServerRequest) -> dict[str, Any]:
        """Return what the token is to say beyond Bokeh's own."""
        login = self._gate.login_of(request)
        return {LOGIN: list(login)} if login else {}


def read_login(found: Any) -> Login | None:
    """Return a login from JSON; `None` if it is something else."""
    if isinstance(found, list) and len(found) == 3 and all(isinstance(part, str) for part in found):
        return Login(*found)
    return None
