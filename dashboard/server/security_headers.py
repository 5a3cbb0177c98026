"""The headers that every answer carries, above all the content security policy."""

import re

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
POLICY = "Content-Security-Policy"
STRICT = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self'; base-uri 'none'"
"""For answers without scripts: the log-in, refusals, errors. Programs and pictures ignore it."""
FRAMED_HERE = "; frame-ancestors 'self'"
_HOST = re.compile(r"[\w.:\[\]-]+", re.ASCII)
_SCRIPT = re.compile(r"<script(?=[\s>])")


def page_policy(nonce: str, host: str) -> str:
    """Return the policy of the page itself.

    What a page of Panel 1.10 needs beyond `'self'`, found by leaving each part out in Chromium:

    * scripts with the page's nonce: Panel's template and Bokeh write scripts into the page. A script that gets into the
      page any other way, as by markup in a name, does not run: there is no `'unsafe-inline'`.
    * `'unsafe-eval'`: Bokeh compiles `CustomJS` callbacks, which `jslink` makes, by `new Function`.
    * styles `'unsafe-inline'`: Bokeh and Material UI write style sheets from scripts, and `style` attributes.
    * `ws:` and `wss:` of this host: Safari before 15.4 does not count them as `'self'`.

    Args:
        nonce: New for each answer.
        host: The Host header of the request.
    """
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'{sockets}; worker-src 'self' blob:; "
        f"manifest-src 'self'; frame-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'"
    )


def with_nonce(html: str, nonce: str) -> str:
    """Mark the scripts of a page that holds no visitor's words as this server's own."""
    return _SCRIPT.sub(f'<script nonce="{nonce}"', html)


class Headers(OutputTransform):
    """Adds the headers to every answer."""

    ancestors = FRAMED_HERE

    def __init__(self, request: HTTPServerRequest):
        pass

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add the headers; a page's own policy is completed, other answers get the strict one."""
        for name, value in HEADERS.items():
            headers[name] = value
        headers[POLICY] = headers.get(POLICY, STRICT) + self.ancestors
        headers["Server"] = "Char-RNN Studio"
        return status_code, headers, chunk


class FramedHeaders(Headers):
    """The same for a page that a notebook shows in a frame."""

    ancestors = ""
