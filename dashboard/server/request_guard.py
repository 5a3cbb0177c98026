"""Reject requests that no user's browser sends, before any route is matched.

A page of another site, open in a user's browser, must not reach a server that only this user can reach. It could
through a name of its own that resolves to this machine (DNS rebinding; the Host header shows it), or from its own
address (the Origin and Sec-Fetch headers show it). Programs other than browsers send neither, and get to the login.
"""

import sys
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher, Rule
from tornado.web import RequestHandler, stream_request_body

from dashboard.patches import request_handlers
from dashboard.server import health
from dashboard.server.allowed_hosts import AllowedHosts
from dashboard.server.trusted_proxies import TrustedProxies

MAX_BODY_BYTES = 64 * 1024
"""Only forms are sent over HTTP; texts are uploaded through the websocket."""
OAUTH_STATE = "panel-oauth-state"
"""Panel's cookie of a user who was sent to an OAuth provider from here."""
SESSION_ARGUMENTS = ("bokeh-session-id", "bokeh-token")
"""Query arguments that choose the session to open in Bokeh."""


class RejectedRequest(Matcher):
    """Matches requests that are rejected.

    Args:
        hosts: Host names that the server accepts.
        proxies: Proxies whose forwarded headers are trusted.
        framed: Whether pages of other sites, such as notebooks, may show this one in a frame.
    """

    def __init__(self, hosts: AllowedHosts, proxies: TrustedProxies, *, framed: bool = False):
        self._hosts, self._proxies = hosts, proxies
        self._destinations = ("", "document", "iframe") if framed else ("", "document")

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Return an empty dict, which means a match, for a request that is rejected."""
        self._proxies.apply(request)
        return {} if any(self.reason(request)) else None

    def reason(self, request: HTTPServerRequest) -> tuple[int, str]:
        """Return why a request is rejected, as a status and a sentence; 0 and an empty one if it is not."""
        if _body_bytes(request) > MAX_BODY_BYTES:
            return 413, f"The body has more than {MAX_BODY_BYTES // 1024} kB. Upload texts on the page."
        if request.path in health.PATHS and request.method in ("GET", "HEAD"):
            return 0, ""
        reason = self._check_sender(request) or self._check_target(request)
        return (403, reason) if reason else (0, "")

    def _check_sender(self, request: HTTPServerRequest) -> str:
        """Return why the sender of a request is rejected; empty if it is accepted."""
        if not self._hosts.accepts(request.host):
            return (
                f"The host name {request.host!r} is not allowed. If it belongs to this server, start the server with "
                f"--allow-host {request.host!r}."
            )
        for origin in request.headers.get_list("Origin"):
            if not self._hosts.trusts(origin, request.host, request.protocol):
                return (
                    f"The origin {origin!r} is not allowed. If it belongs to this server, start the server with "
                    f"--allow-host {origin!r}."
                )
        fetched = request.headers.get
        if fetched("Sec-Fetch-Site", "none") in ("same-origin", "none"):
            return ""
        is_navigation = (
            fetched("Sec-Fetch-Mode") == "navigate"
            and fetched("Sec-Fetch-Dest", "") in self._destinations
            and request.method in ("GET", "HEAD")
            and not request.path.endswith("/logout")
        )
        return "" if is_navigation else "Requests from pages of other sites are not allowed."

    def _check_target(self, request: HTTPServerRequest) -> str:
        """Return why the target of a request is rejected; empty if it is accepted."""
        if not _is_component(request.path):
            return "Unknown component."
        arguments = parse_qs(request.query, keep_blank_values=True)
        if any(name in arguments for name in SESSION_ARGUMENTS) or "Bokeh-Session-Id" in request.headers:
            return "Sessions cannot be chosen. Open the page without a session ID."
        next_url = request.cookies.get("next_url")
        if not all(map(is_local, [*arguments.get("next", []), *([next_url.value] if next_url else [])])):
            return "The page to open after the login is not on this server. Open the page directly."
        if request.path.endswith("/login") and _has_code(arguments) and OAUTH_STATE not in request.cookies:
            return "This login was not started here. Open the page, and log in from there."
        return ""


@stream_request_body
class Rejection(RequestHandler):
    """Rejects every method, without reading the body."""

    def initialize(self, matcher: RejectedRequest) -> None:
        """Set the matcher, which has the reason."""
        self._matcher = matcher

    def prepare(self) -> None:
        """Answer."""
        status, reason = self._matcher.reason(self.request)
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(reason + "\n")

    def data_received(self, chunk: bytes) -> None:
        """Ignore the body."""


def guard(server: Any, hosts: AllowedHosts, proxies: TrustedProxies, *, framed: bool = False) -> None:
    """Let a Panel server reject requests before it matches a route."""
    matcher = RejectedRequest(hosts, proxies, framed=framed)
    request_handlers.insert_rule(server, Rule(matcher, Rejection, {"matcher": matcher}))
    request_handlers.allow_all_websocket_origins(server)  # Bokeh's check supports no proxies


def is_local(url: str) -> bool:
    """Return whether a URL stays on this server: a path, however often it is decoded.

    Browsers interpret `//host`, `/\\host` and `/<tab>/host` as another server.
    """
    for _ in range(3):
        path = url.partition("?")[0].partition("#")[0]
        if not path.startswith("/") or path.startswith("//") or "\\" in path:
            return False
        if any(ord(character) < 0x20 or ord(character) == 0x7F for character in url):
            return False
        url = unquote(url)
    return True


def _body_bytes(request: HTTPServerRequest) -> int:
    """Return the announced size of the body; a chunked body has none, and is read up to the limit only."""
    try:
        return max(int(each) for each in request.headers.get("Content-Length", "0").split(","))
    except ValueError:
        return 0  # Tornado rejects it


def _is_component(path: str) -> bool:
    """Return whether a path names no module, or an imported one; Panel would import any module, without a login."""
    _, found, module = path.partition("/components/")
    return not found or module.partition("/")[0] in sys.modules


def _has_code(arguments: dict[str, list[str]]) -> bool:
    """Return whether a request comes from an OAuth provider; Panel also reads the code from `next`.

    If no login was started, Panel accepts an empty state: a link of an attacker could log a user in as the attacker.
    """
    next_url = (urlsplit(url).query for url in arguments.get("next", []))
    return "code" in arguments or any("code" in parse_qs(each, keep_blank_values=True) for each in next_url)
