"""Who may ask this server, whatever they ask for: one rule before all routes, and headers on every answer.

A page of somebody else, open in a visitor's browser, must not reach a server that only this visitor can reach. It
could by a name of its own that leads to this machine (DNS rebinding: the Host tells), or from its own address (the
Origin and the Sec-Fetch headers tell). Programs that are no browsers send neither and are let through to the login.
"""

import ipaddress
import socket
import sys
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.routing import Matcher, Rule
from tornado.web import OutputTransform, RequestHandler

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Bokeh compiles templates and Panel brings scripts and styles in the page; nothing comes from elsewhere.
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'; "
    "base-uri 'none'",
}
LOG_IN_BEGUN = "panel-oauth-state"
"""Cookie of who was sent to an OAuth provider from here; Panel's."""
FRAMED_HERE = "; frame-ancestors 'self'"


def is_loopback(address: str) -> bool:
    """Tell whether only programs of this machine reach an address."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(address or "0.0.0.0", None)}
    except OSError:
        return False
    return all(ipaddress.ip_address(each.partition("%")[0]).is_loopback for each in found)


@dataclass(frozen=True)
class Names:
    """The names under which a server answers.

    Args:
        address: Where it listens.
        allowed: More names that lead to it, as `name` or `name:port`: of a proxy, of a container's host.
    """

    address: str
    allowed: tuple[str, ...] = ()

    def knows(self, host: str) -> bool:
        """Tell whether a Host header is a name of this server."""
        name = _split(host)[0]
        if name in self._own or self._is_allowed(host):
            return True
        # a number cannot be made to lead here by whoever owns a name
        return not is_loopback(self.address) and _is_number(name)

    def trusts(self, origin: str, host: str) -> bool:
        """Tell whether an Origin header names a page of this server, which was asked as `host`."""
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and (
            parts.netloc.lower() == host.lower() or self._is_allowed(parts.netloc)
        )

    @property
    def _own(self) -> set[str]:
        loopback = {"localhost", "127.0.0.1", "::1"}
        return loopback | {self.address} | (set() if is_loopback(self.address) else {socket.gethostname().lower()})

    def _is_allowed(self, host: str) -> bool:
        return any(each.lower() in (host.lower(), _split(host)[0]) for each in self.allowed)


class Stranger(Matcher):
    """Matches what is to be refused."""

    def __init__(self, names: Names):
        self._names = names

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Return an empty dict, Tornado's yes, for what is to be refused."""
        return {} if self.reason(request) else None

    def reason(self, request: HTTPServerRequest) -> str:
        """Say why a request is refused; empty if it is not."""
        if not self._names.knows(request.host):
            return (
                f"This server does not answer to the name {request.host!r}. If it is yours, start the server with "
                f"--allow-host {_split(request.host)[0]!r}."
            )
        for origin in request.headers.get_list("Origin"):
            if not self._names.trusts(origin, request.host):
                return (
                    f"A page of {origin!r} may not ask this server. If it is yours, start the server with --allow-host."
                )
        site = request.headers.get("Sec-Fetch-Site", "none")
        is_visit = request.headers.get("Sec-Fetch-Mode") == "navigate" and request.method in ("GET", "HEAD")
        if site not in ("same-origin", "none") and not is_visit:
            return "A page of another site may not ask this server."
        if not _is_part(request.path):
            return "This is no part of a page."
        if request.path.endswith("/login") and _brings_code(request.query) and LOG_IN_BEGUN not in request.cookies:
            return "This log-in was not begun here. Open the page's own address, and log in from there."
        return ""


class Refusal(RequestHandler):
    """Says no, in words, to every method."""

    def initialize(self, stranger: Stranger) -> None:
        """Take who knows the words."""
        self._stranger = stranger

    def prepare(self) -> None:
        """Answer."""
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(self._stranger.reason(self.request) + "\n")


class Headers(OutputTransform):
    """Adds what browsers need to know to every answer."""

    policy = HEADERS["Content-Security-Policy"] + FRAMED_HERE

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add the headers."""
        for name, value in {**HEADERS, "Content-Security-Policy": self.policy}.items():
            headers[name] = value
        headers["Server"] = "Char-RNN Studio"
        return status_code, headers, chunk


class FramedHeaders(Headers):
    """The same for a page that a notebook shows in a frame."""

    policy = HEADERS["Content-Security-Policy"]


def guard(server: Any, names: Names) -> None:
    """Have a Bokeh server refuse strangers before it looks at what they ask for."""
    application = server._tornado
    stranger = Stranger(names)
    application.default_router.rules.insert(0, Rule(stranger, Refusal, {"stranger": stranger}))
    application.websocket_origins.add("*")  # its own list knows neither proxies nor forwarded ports


def _is_part(path: str) -> bool:
    """Tell whether a path names no module, or one that is in use; Panel would import any, without a login."""
    _, found, module = path.partition("/components/")
    return not found or module.partition("/")[0] in sys.modules


def _brings_code(query: str) -> bool:
    """Tell whether a visitor comes back from an OAuth provider; Panel also looks for the code in `next`.

    Where no log-in was begun, Panel takes an empty state for the right one: by a link of theirs, others could log a
    visitor in as them.
    """
    arguments = parse_qs(query, keep_blank_values=True)
    onward = (urlsplit(url).query for url in arguments.get("next", []))
    return "code" in arguments or any("code" in parse_qs(each, keep_blank_values=True) for each in onward)


def _split(host: str) -> tuple[str, str]:
    """Return the name and the port of a Host header; the port is empty where there is none."""
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
        return name.lower(), port.removeprefix(":")
    name, _, port = host.partition(":")
    return name.lower().rstrip("."), port


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
