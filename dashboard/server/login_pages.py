"""Serve the pages that log users in and out."""

import json
import logging
import math
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from panel.auth import AUTH_PROVIDERS
from tornado.web import HTTPError, RequestHandler

from charrnn.core.errors import StudioError
from charrnn.services.login_file import MAX_USER_LENGTH
from dashboard.server.auth import COOKIE, LOGIN_DAYS, Gate
from dashboard.server.cookies import SafeCookies
from dashboard.server.request_guard import is_local
from dashboard.server.trusted_proxies import network_of

WRONG = "Wrong user name or password."
MAX_WAITING = 50
"""Attempts that may wait for verification."""
UNUSED = ("access_token", "id_token", "refresh_token", "oauth_expiry")
"""Cookies of Panel's OAuth login that are not needed: the provider's tokens never leave this server."""

log = logging.getLogger(__name__)

_pages = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)


class LoginPage(SafeCookies):
    """Base class of the login pages."""

    @property
    def gate(self) -> Gate:
        """The server's gate."""
        gate: Gate = self.application.auth_provider
        return gate

    def log_in(self, user: str) -> None:
        """Log a user in."""
        login = self.gate.begin(user)
        # Tornado's signature also contains the age of the cookie.
        super().set_signed_cookie(COOKIE, json.dumps(login), expires_days=LOGIN_DAYS)


class PasswordLogin(LoginPage):
    """Asks for a user name and a password."""

    def get(self) -> None:
        """Show the form."""
        self._show("")

    async def post(self) -> None:
        """Log a user in, or show the form again."""
        # No user name begins or ends with a space; phones append one when they complete a word.
        user = self.get_body_argument("username", "", strip=True)[: MAX_USER_LENGTH + 1]
        password = self.get_body_argument("password", "", strip=False)
        address = network_of(self.request.remote_ip)
        throttle = self.gate.throttle
        if not user:
            self._show(WRONG, 401)
            return
        if seconds := math.ceil(throttle.seconds_left(user, address)):
            self._reject(seconds, f"Too many failed attempts. Try again in {seconds} seconds.")
            return
        if self.gate.num_waiting >= MAX_WAITING:
            self._reject(5, "Too many users are logging in. Try again in a few seconds.")
            return
        # Counted before it is verified, so that simultaneous attempts are not all verified.
        throttle.failed(user, address)
        if await self.gate.verify(user, password):
            throttle.succeeded(user, address)
            self.log_in(user)
            next_url = self.get_query_argument("next", "./")
            self.redirect(next_url if is_local(next_url) else "./")
        else:
            self._show(WRONG, 401)

    def _reject(self, seconds: int, message: str) -> None:
        self.set_header("Retry-After", str(seconds))
        self._show(message, 429)

    def _show(self, message: str, status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        self.finish(_pages.get_template("login.html").render(error_message=message))


class Logout(LoginPage):
    """Ends a login and closes its pages."""

    def get(self) -> None:
        """Log the user out."""
        if login := self.gate.login_of(self.request):
            self.gate.end(login)
        self.clear_cookie(COOKIE)
        self.set_header("Cache-Control", "no-store")
        self.finish(_pages.get_template("logout.html").render(login_url="/login"))


class OAuthLogin(LoginPage):
    """Panel's OAuth login with our cookie, and without Panel's."""

    def set_signed_cookie(self, name: str, value: str | bytes, *args: Any, **kwargs: Any) -> None:
        """Set a cookie, unless it holds a token of the provider."""
        if name == "user":
            try:
                self.log_in(value.decode() if isinstance(value, bytes) else str(value))
            except StudioError as error:
                raise HTTPError(403, str(error), reason="Invalid user name") from error
        elif name not in UNUSED:
            super().set_signed_cookie(name, value, *args, **kwargs)

    set_secure_cookie = set_signed_cookie

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Show why the provider did not log the user in."""
        error = kwargs["exc_info"][1]
        self.clear_all_cookies()
        self.set_header("Content-Type", "text/html; charset=utf-8")
        if isinstance(error, HTTPError):
            reason, message = error.reason, error.log_message
        else:
            log.error("unexpected error of the OAuth provider", exc_info=error)
            reason, message = "Internal server error", "The server's log has the details"
        self.finish(_pages.get_template("login_failed.html").render(error=reason, error_msg=message))


class OAuthPasswordLogin(OAuthLogin):
    """The same for the provider `password`, with our form for user name and password."""

    def get(self) -> None:
        """Show the form."""
        next_url = self.get_query_argument("next", "")
        if next_url and is_local(next_url):
            self.set_cookie("next_url", next_url)
        self.finish(_pages.get_template("login.html").render(error_message=self.get_query_argument("error", "")))


def oauth_login(provider: str) -> type[RequestHandler]:
    """Return Panel's handler of an OAuth provider, with our cookies and pages."""
    mixin = OAuthPasswordLogin if provider == "password" else OAuthLogin
    return type("OAuthLogin", (mixin, AUTH_PROVIDERS[provider]), {})
