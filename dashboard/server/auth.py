"""Authenticate users, and close their pages when a login ends.

A login is a signed cookie with three parts: the user, an ID that a logout revokes, and a fingerprint of the user's
stored password. A login ends when the user logs out, the password changes, or the user is removed. This applies to all
servers that share the cookie secret, the login file and the data folder: the server of the logout closes the pages
immediately, other servers within a second.
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
from dashboard.server.login_providers import LoginSettings
from dashboard.server.login_throttle import LoginThrottle
from dashboard.server.revoked_logins import RevokedLogins

if TYPE_CHECKING:
    from dashboard.server.websocket import PageWebSocket

COOKIE = "charrnn-login"
LOGIN = "login"
"""Key of the login in the token of a page."""
LOGIN_DAYS = 1.0
"""Lifetime of a login; then the user has to log in again."""
CHECK_MILLISECONDS = 1000
FOLDER = "revoked-logins"


class Login(NamedTuple):
    """A login of a user in one browser."""

    user: str
    id: str
    """Shared by all tabs of the browser."""
    fingerprint: str
    """HMAC of the user's stored password."""


class Authenticator(AuthProvider):
    """Bokeh's authentication provider.

    Args:
        logins: The login settings.
        home: The data folder, which stores revoked logins.
    """

    def __init__(self, logins: LoginSettings, home: Path):
        self.logins = logins
        self.cookie_secret = logins.cookie_secret or secrets.token_urlsafe(32)
        self.throttle = LoginThrottle()
        self.num_waiting = 0
        """Number of passwords that are being verified or waiting for verification."""
        # One thread, since each verification takes 0.2 s and 16 MB.
        self._verifying = ThreadPoolExecutor(1, thread_name_prefix="dashboard passwords")
        self._revoked = RevokedLogins(home / FOLDER, LOGIN_DAYS)
        self._open: dict[Login, set[PageWebSocket]] = {}
        super().__init__()

    def close(self) -> None:
        """Stop the thread that verifies passwords."""
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

    def create_login(self, user: str) -> Login:
        """Return a new login of an authenticated user.

        Raises:
            StudioError: The user name is invalid.
        """
        check_user(user)
        return Login(user, secrets.token_urlsafe(16), self._fingerprint(user))

    def revoke(self, login: Login) -> None:
        """Revoke a login and close its pages."""
        self._revoked.add(login.id)
        self._close([open_login for open_login in self._open if open_login.id == login.id])

    def is_valid(self, login: Login) -> bool:
        """Return whether a login is not revoked, its user exists, and the password is still the same."""
        current = self._fingerprint(login.user)
        return bool(current) and hmac.compare_digest(current, login.fingerprint) and login.id not in self._revoked

    def login_of(self, request: HTTPServerRequest) -> Login | None:
        """Return the login of a request; `None` if it has no valid login."""
        sent = request.cookies.get(COOKIE)
        cookie = decode_signed_value(self.cookie_secret, COOKIE, sent.value, LOGIN_DAYS) if sent else None
        login = login_from_json(json.loads(cookie)) if cookie else None
        return login if login and self.is_valid(login) else None

    def register(self, login: Login, socket: "PageWebSocket") -> None:
        """Register an open page, so that it is closed when its login ends."""
        self._open.setdefault(login, set()).add(socket)

    def unregister(self, login: Login, socket: "PageWebSocket") -> None:
        """Unregister a page."""
        pages = self._open.get(login, set())
        pages.discard(socket)
        if not pages:
            self._open.pop(login, None)

    async def close_ended(self) -> None:
        """Close the pages of logins that were revoked by another server or by a change of the login file."""
        if logins := list(self._open):
            self._close(await asyncio.to_thread(lambda: [login for login in logins if not self.is_valid(login)]))

    def _close(self, logins: list[Login]) -> None:
        for login in logins:
            for page in self._open.pop(login, set()):
                page.end()

    def _fingerprint(self, user: str) -> str:
        """Return the fingerprint of a user's stored password; empty for an unknown user."""
        stored = self.logins.users.stored(user) if self.logins.users else self.logins.provider
        if not stored:
            return ""
        return hmac.new(self.cookie_secret.encode(), f"{user}\0{stored}".encode(), hashlib.sha256).hexdigest()

    @property
    def get_user(self) -> Any:
        """The function with which Bokeh determines the user of each page and websocket."""
        return lambda handler: login.user if (login := self.login_of(handler.request)) else None

    @property
    def login_url(self) -> str:
        """URL to which users without a login are redirected."""
        return "/login"

    @property
    def login_handler(self) -> type[RequestHandler]:
        """Request handler of `login_url`."""
        from dashboard.server.login_pages import PasswordLogin, oauth_login

        return PasswordLogin if self.logins.users else oauth_login(self.logins.provider)

    @property
    def logout_url(self) -> str:
        """URL that ends a login."""
        return "/logout"

    @property
    def logout_handler(self) -> type[RequestHandler]:
        """Request handler of `logout_url`."""
        from dashboard.server.login_pages import Logout

        return Logout


class LoginTokenHandler(Handler):
    """Adds the login to the token of each page, so that the token is only valid with this login."""

    def __init__(self, auth: Authenticator):
        super().__init__()
        self._auth = auth

    def modify_document(self, doc: Document) -> None:
        """Do nothing; another handler builds the page."""

    def process_request(self, request: HTTPServerRequest) -> dict[str, Any]:
        """Return the entries to add to the token."""
        login = self._auth.login_of(request)
        return {LOGIN: list(login)} if login else {}


def login_from_json(parts: Any) -> Login | None:
    """Return a login from its JSON array; `None` if the array is malformed."""
    if isinstance(parts, list) and len(parts) == 3 and all(isinstance(part, str) for part in parts):
        return Login(*parts)
    return None
