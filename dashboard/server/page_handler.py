"""Serve the HTML of the page with a content security policy."""

import secrets
from typing import Any

from panel.io.server import DocHandler, WSHandler

from dashboard.patches import request_handlers
from dashboard.server.auth import Authenticator, LoginTokenHandler
from dashboard.server.cookies import SafeCookies
from dashboard.server.security_headers import POLICY, page_policy, with_nonce
from dashboard.server.websocket import PageWebSocket


class PageHandler(SafeCookies, DocHandler):
    """Serves the page; its scripts have a nonce that is new for each response."""

    def write(self, chunk: Any) -> None:
        """Write a part of the response, with the nonce in each script tag."""
        if isinstance(chunk, str):
            nonce = secrets.token_urlsafe(16)
            self.set_header(POLICY, page_policy(nonce, self.request.host))
            chunk = with_nonce(chunk, nonce)
        super().write(chunk)


def install(server: Any, auth: Authenticator | None) -> None:
    """Replace Panel's request handlers of pages and websockets, and bind each page to the login that requested it.

    Raises:
        IncompatibleLibrary: The installed version of Panel has other request handlers.
    """
    request_handlers.replace_handlers(server, {DocHandler: PageHandler, WSHandler: PageWebSocket})
    if auth:
        for application in request_handlers.applications(server):
            application.add(LoginTokenHandler(auth))
