"""Refuse requests that no visitor's browser sends, before any route is looked for.

A page of somebody else, open in a visitor's browser, must not reach a server that only this visitor can reach. It
could by a name of its own that leads to this machine (DNS rebinding: the Host tells), or from its own address (the
Origin and the Sec-Fetch headers tell). Programs that are no browsers send neither and get as far as the login.
"""

import sys
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher, Rule
from tornado.web import RequestHandler, stream_request_body

from dashboard.patches import request_routes
from dashboard.server import health
from dashboard.server.allowed_hosts import Names
from dashboard.server.trusted_proxies import Proxies

MOST_BODY_BYTES = 64 * 1024
"""Only forms are sent over HTTP; texts are uploaded through the websocket."""
LOG_IN_BEGUN = "panel-oauth-state"
"""Cookie of a visitor who was sent to an OAuth provider from here; Panel's."""
CHOSEN_SESSIONS = ("bokeh-session-id", "bokeh-token")
"""Arguments by which Bokeh lets a visitor name the session to open."""


class Stranger(Matcher):
    """Matches requests that are to be refused.

    Args:
        names: The names of this server.
        proxies: Proxies whose word about the visitor counts.
        framed: Pages of others, such as notebooks, may show this one in a frame.
    """

    def __init__(self, names: Names, proxies: Proxies, *, framed: bool = False):
        self._names, self._proxies = names, proxies
        self._places = ("", "document", "iframe") if framed else ("", "document")

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Return an empty dict, Tornado's yes, for what is to be refused."""
        self._proxies.apply(request)
        return {} if any(self.reason(request)) else None

    def reason(self, request: HTTPServerRequest) -> tuple[int, str]:
        """Return why a request is refused, as a status and a sentence; 0 and nothing if it is not."""
        if _body_bytes(request) > MOST_BODY_BYTES:
            return 413, f"The body has more than {MOST_BODY_BYTES // 1024} kB. Upload texts on the page."
        if request.path in health.PATHS and request.method in ("GET", "HEAD"):
            return 0, ""
        words = self._sender(request) or self._address(request)
        return (403, words) if words else (0, "")

    def _sender(self, request: HTTPServerRequest) -> str:
        """Return what is wrong with who asks."""
        if not self._names.knows(request.host):
            return (
                f"This server does not answer to the name {request.host!r}. If it is yours, start the server with "
                f"--allow-host {request.host!r}."
            )
        for origin in request.headers.get_list("Origin"):
            if not self._names.trusts(origin, request.host, request.protocol):
                return (
                    f"A page of {origin!r} may not ask this server. If it is yours, start the server with "
                    f"--allow-host {origin!r}."
                )
        fetched = request.headers.get
        if fetched("Sec-Fetch-Site", "none") in ("same-origin", "none"):
            return ""
        is_visit = (
            fetched("Sec-Fetch-Mode") == "navigate"
            and fetched("Sec-Fetch-Dest", "") in self._places
            and request.method in ("GET", "HEAD")
            and not request.path.endswith("/logout")
        )
        return "" if is_visit else "A page of another site may not ask this server."

    def _address(self, request: HTTPServerRequest) -> str:
        """Return what is wrong with what is asked for."""
        if not _is_part(request.path):
            return "Unknown component."
        arguments = parse_qs(request.query, keep_blank_values=True)
        if any(name in arguments for name in CHOSEN_SESSIONS) or "Bokeh-Session-Id" in request.headers:
            return "Sessions cannot be chosen. Open the page's own address."
        onward = request.cookies.get("next_url")
        if not all(map(is_local, [*arguments.get("next", []), *([onward.value] if onward else [])])):
            return "The address to go to after the log-in is not on this server. Open the page's own address."
        if request.path.endswith("/login") and _brings_code(arguments) and LOG_IN_BEGUN not in request.cookies:
            return "This log-in was not begun here. Open the page's own address, and log in from there."
        return ""


@stream_request_body
class Refusal(RequestHandler):
    """Refuses every method, without reading the body."""

    def initialize(self, stranger: Stranger) -> None:
        """Take the rule that knows the reason."""
        self._stranger = stranger

    def prepare(self) -> None:
        """Answer."""
        status, words = self._stranger.reason(self.request)
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(words + "\n")

    def data_received(self, chunk: bytes) -> None:
        """Ignore what was on its way already."""


def guard(server: Any, names: Names, proxies: Proxies, *, framed: bool = False) -> None:
    """Let a Bokeh server refuse strangers before it looks at what they ask for."""
    stranger = Stranger(names, proxies, framed=framed)
    request_routes.insert_rule(server, Rule(stranger, Refusal, {"stranger": stranger}))
    request_routes.allow_all_websocket_origins(server)  # Bokeh's list knows neither proxies nor forwarded ports


def is_local(url: str) -> bool:
    """Return whether a browser that is sent to a URL stays on this server: a path, whatever it is decoded to.

    Browsers take `//host`, `/\\host` and `/<tab>/host` for another server.
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
    """Return the announced size; of a body in chunks, which is not announced, no more than the limit is ever read."""
    try:
        return max(int(each) for each in request.headers.get("Content-Length", "0").split(","))
    except ValueError:
        return 0  # Tornado refuses it


def _is_part(path: str) -> bool:
    """Return whether a path names no module, or one that is in use; Panel would import any, without a login."""
    _, found, module = path.partition("/components/")
    return not found or module.partition("/")[0] in sys.modules


def _brings_code(arguments: dict[str, list[str]]) -> bool:
    """Return whether a visitor comes back from an OAuth provider; Panel also looks for the code in `next`.

    Where no log-in was begun, Panel takes an empty state for the right one: by a link of theirs, others could log a
    visitor in as them.
    """
    onward = (urlsplit(url).query for url in arguments.get("next", []))
    return "code" in arguments or any("code" in parse_qs(each, keep_blank_values=True) for each in onward)
