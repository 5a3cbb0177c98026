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
from dashboard.server.auth import COOKIE, LOGIN_DAYS, Authenticator
from dashboard.server.cookies import SafeCookies
from dashboard.server.request_guard import is_local
from dashboard.server.trusted_proxies import network_of

WRONG_CREDENTIALS = "Wrong user name or password."
MAX_WAITING = 50
"""Maximum number of passwords that wait for verification."""
UNUSED_COOKIES = ("access_token", "id_token", "refresh_token", "oauth_expiry")
"""Cookies of Panel's OAuth login that are not set, so that the provider's tokens never leave this server."""

log = logging.getLogger(__name__)

_pages = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)


class LoginPage(SafeCookies):
    """Base class of the login pages."""

    @property
    def auth(self) -> Authenticator:
        """The server's authenticator."""
        auth: Authenticator = self.application.auth_provider
        return auth

    def log_in(self, user: str) -> None:
        """Set the login cookie of a user."""
        login = self.auth.create_login(user)
        # Tornado's signature also contains the age of the cookie.
        super().set_signed_cookie(COOKIE, json.dumps(login), expires_days=LOGIN_DAYS)


class PasswordLogin(LoginPage):
    """Logs users in by user name and password."""

    def get(self) -> None:
        """Show the form."""
        self._show("")

    async def post(self) -> None:
        """Check the password; log the user in, or show the form again."""
        # User names have no spaces at their ends, but phones append one when they complete a word.
        user = self.get_body_argument("username", "", strip=True)[: MAX_USER_LENGTH + 1]
        password = self.get_body_argument("password", "", strip=False)
        address = network_of(self.request.remote_ip)
        throttle = self.auth.throttle
        if not user:
            self._show(WRONG_CREDENTIALS, 401)
            return
        if seconds := math.ceil(throttle.seconds_left(user, address)):
            self._reject(seconds, f"Too many failed attempts. Try again in {seconds} seconds.")
            return
        if self.auth.num_waiting >= MAX_WAITING:
            self._reject(5, "Too many users are logging in. Try again in a few seconds.")
            return
        # Count the attempt before it is verified, so that simultaneous attempts do not bypass the delay.
        throttle.failed(user, address)
        if await self.auth.verify(user, password):
            throttle.succeeded(user, address)
            self.log_in(user)
            next_url = self.get_query_argument("next", "./")
            self.redirect(next_url if is_local(next_url) else "./")
        else:
            self._show(WRONG_CREDENTIALS, 401)

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
        if login := self.auth.login_of(self.request):
            self.auth.revoke(login)
        self.clear_cookie(COOKIE)
        self.set_header("Cache-Control", "no-store")
        self.finish(_pages.get_template("logout.html").render(login_url="/login"))


class OAuthLogin(LoginPage):
    """Panel's OAuth login, which sets our login cookie instead of Panel's cookies."""

    def set_signed_cookie(self, name: str, value: str | bytes, *args: Any, **kwargs: Any) -> None:
        """Replace Panel's cookie with the user name by ours, and set no cookie with a token of the provider."""
        if name == "user":
            try:
                self.log_in(value.decode() if isinstance(value, bytes) else str(value))
            except StudioError as error:
                raise HTTPError(403, str(error), reason="Invalid user name") from error
        elif name not in UNUSED_COOKIES:
            super().set_signed_cookie(name, value, *args, **kwargs)

    set_secure_cookie = set_signed_cookie

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Show why the login failed."""
        error = kwargs["exc_info"][1]
        self.clear_all_cookies()
        self.set_header("Content-Type", "text/html; charset=utf-8")
        if isinstance(error, HTTPError):
            reason, message = error.reason, error.log_message
        else:
            log.error("unexpected error of the OAuth provider", exc_info=error)
            reason, message = "Internal server error", "See the server's log for details"
        self.finish(_pages.get_template("login_failed.html").render(error=reason, error_msg=message))


class OAuthPasswordLogin(OAuthLogin):
    """The same for Panel's provider `password`, with our login form."""

    def get(self) -> None:
        """Show the form."""
        next_url = self.get_query_argument("next", "")
        if next_url and is_local(next_url):
            self.set_cookie("next_url", next_url)
        self.finish(_pages.get_template("login.html").render(error_message=self.get_query_argument("error", "")))


def oauth_login(provider: str) -> type[RequestHandler]:
    """Return Panel's request handler of an OAuth provider, with our cookies and pages."""
    mixin = OAuthPasswordLogin if provider == "password" else OAuthLogin
    return type("OAuthLogin", (mixin, AUTH_PROVIDERS[provider]), {})
