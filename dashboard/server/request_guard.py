"""Reject cross-site and forged requests before any route is matched.

A page of another site, open in the browser of a user, must not access a server that only this user can reach. The Host
header reveals DNS rebinding, where the site's own name resolves to this machine; the Origin and Sec-Fetch headers
reveal other cross-site requests. Programs other than browsers send none of these, but have to log in.
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
"""Enough for forms; texts are uploaded through the websocket."""
OAUTH_STATE = "panel-oauth-state"
"""Panel's cookie of a user whose OAuth login was started on this server."""
SESSION_ARGUMENTS = ("bokeh-session-id", "bokeh-token")
"""Query arguments with which Bokeh lets a request select a session."""


class RejectedRequest(Matcher):
    """Matches requests that are rejected.

    Args:
        hosts: Host names that the server accepts.
        proxies: Proxies whose forwarded headers are trusted.
        framed: Whether pages of other sites, such as notebooks, may embed this one in a frame.
    """

    def __init__(self, hosts: AllowedHosts, proxies: TrustedProxies, *, framed: bool = False):
        self._hosts, self._proxies = hosts, proxies
        self._destinations = ("", "document", "iframe") if framed else ("", "document")

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Return an empty dict, which means a match, if a request is rejected."""
        self._proxies.apply(request)
        return {} if any(self.reason(request)) else None

    def reason(self, request: HTTPServerRequest) -> tuple[int, str]:
        """Return the status and message with which a request is rejected; 0 and an empty string if it is accepted."""
        if _body_bytes(request) > MAX_BODY_BYTES:
            return 413, f"The request body is larger than {MAX_BODY_BYTES // 1024} kB. Upload texts on the page."
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
        header = request.headers.get
        if header("Sec-Fetch-Site", "none") in ("same-origin", "none"):
            return ""
        is_navigation = (
            header("Sec-Fetch-Mode") == "navigate"
            and header("Sec-Fetch-Dest", "") in self._destinations
            and request.method in ("GET", "HEAD")
            and not request.path.endswith("/logout")
        )
        return "" if is_navigation else "Requests from pages of other sites are not allowed."

    def _check_target(self, request: HTTPServerRequest) -> str:
        """Return why the target of a request is rejected; empty if it is accepted."""
        if not _is_known_component(request.path):
            return "Unknown component."
        arguments = parse_qs(request.query, keep_blank_values=True)
        if any(name in arguments for name in SESSION_ARGUMENTS) or "Bokeh-Session-Id" in request.headers:
            return "A request cannot select a session. Open the page without a session ID."
        next_url = request.cookies.get("next_url")
        if not all(map(is_local, [*arguments.get("next", []), *([next_url.value] if next_url else [])])):
            return "The login cannot redirect to another server. Open the page directly."
        if request.path.endswith("/login") and _has_code(arguments) and OAUTH_STATE not in request.cookies:
            return "This login was not started on this server. Open the page and log in there."
        return ""


@stream_request_body
class Rejection(RequestHandler):
    """Rejects requests of any method, without reading their body."""

    def initialize(self, matcher: RejectedRequest) -> None:
        """Set the matcher, which knows the reason."""
        self._matcher = matcher

    def prepare(self) -> None:
        """Respond with the reason."""
        status, reason = self._matcher.reason(self.request)
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(reason + "\n")

    def data_received(self, chunk: bytes) -> None:
        """Ignore the body."""


def guard(server: Any, hosts: AllowedHosts, proxies: TrustedProxies, *, framed: bool = False) -> None:
    """Make a Panel server reject requests before it matches a route."""
    matcher = RejectedRequest(hosts, proxies, framed=framed)
    request_handlers.insert_rule(server, Rule(matcher, Rejection, {"matcher": matcher}))
    request_handlers.allow_all_websocket_origins(server)  # checked here, since Bokeh's check does not support proxies


def is_local(url: str) -> bool:
    """Return whether a URL stays on this server: it is a path, however often it is decoded.

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
    """Return the Content-Length; 0 for a chunked body, of which only `MAX_BODY_BYTES` are read."""
    try:
        return max(int(length) for length in request.headers.get("Content-Length", "0").split(","))
    except ValueError:
        return 0  # Tornado rejects it


def _is_known_component(path: str) -> bool:
    """Return whether a path names no module or an imported one; Panel would import any module, without a login."""
    _, separator, module = path.partition("/components/")
    return not separator or module.partition("/")[0] in sys.modules


def _has_code(arguments: dict[str, list[str]]) -> bool:
    """Return whether a request contains the code of an OAuth provider; Panel also reads it from `next`.

    If no login was started, Panel accepts an empty state, so that a link could log a user in as the attacker.
    """
    queries = (urlsplit(url).query for url in arguments.get("next", []))
    return "code" in arguments or any("code" in parse_qs(query, keep_blank_values=True) for query in queries)
