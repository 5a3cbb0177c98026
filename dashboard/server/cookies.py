"""Set the attributes SameSite, HttpOnly and Secure on all cookies."""

from typing import Any

from tornado.web import RequestHandler

ALLOWED_HOSTS = "charrnn_allowed_hosts"
"""Name of the Tornado setting that contains the server's `AllowedHosts`."""


class SafeCookies(RequestHandler):
    """A request handler whose cookies are SameSite=Lax, HttpOnly and, over HTTPS, Secure."""

    application: Any  # BokehTornado, which has no types

    def set_cookie(self, name: str, value: str | bytes, *args: Any, **kwargs: Any) -> None:
        """Set a cookie with these attributes."""
        safe: dict[str, Any] = {"samesite": "Lax", "httponly": True}
        if self.settings[ALLOWED_HOSTS].is_secure(self.request.host, self.request.protocol):
            safe["secure"] = True
        super().set_cookie(name, value, *args, **{**kwargs, **safe})
