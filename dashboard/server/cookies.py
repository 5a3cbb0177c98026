"""Cookies that only this server sees: not other sites, not scripts, not the network where it is encrypted."""

from typing import Any

from tornado.web import RequestHandler

NAMES = "charrnn_names"
"""Setting of a server's application that holds its `Names`."""


class SafeCookies(RequestHandler):
    """A handler whose cookies are SameSite=Lax and HttpOnly and, where visitors use HTTPS, Secure."""

    application: Any  # Bokeh's, which has no types

    def set_cookie(self, name: str, value: str | bytes, *args: Any, **kwargs: Any) -> None:
        """Set a cookie."""
        safe: dict[str, Any] = {"samesite": "Lax", "httponly": True}
        if self.settings[NAMES].is_secure(self.request.host, self.request.protocol):
            safe["secure"] = True
        super().set_cookie(name, value, *args, **{**kwargs, **safe})
