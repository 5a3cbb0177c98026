"""Serve the page's HTML with a content security policy."""

import secrets
from typing import Any

from panel.io.server import DocHandler, WSHandler

from dashboard.patches import request_handlers
from dashboard.server.auth import Binding, Gate
from dashboard.server.cookies import SafeCookies
from dashboard.server.security_headers import POLICY, page_policy, with_nonce
from dashboard.server.websocket import PageWebSocket


class PageHandler(SafeCookies, DocHandler):
    """Answers with the page; its scripts carry a nonce, new for each answer."""

    def write(self, chunk: Any) -> None:
        """Send a part of the answer; a page's scripts are marked as written by this server."""
        if isinstance(chunk, str):
            nonce = secrets.token_urlsafe(16)
            self.set_header(POLICY, page_policy(nonce, self.request.host))
            chunk = with_nonce(chunk, nonce)
        super().write(chunk)


def install(server: Any, gate: Gate | None) -> None:
    """Replace Panel's handlers of pages and websockets by ours, and bind each page to the login that requested it.

    Raises:
        IncompatibleLibrary: This version of Panel has other handlers.
    """
    request_handlers.replace_handlers(server, {DocHandler: PageHandler, WSHandler: PageWebSocket})
    if gate:
        for application in request_handlers.applications(server):
            application.add(Binding(gate))
