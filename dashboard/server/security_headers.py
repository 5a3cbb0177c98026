"""Add security headers to every response, including the content security policy."""

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
"""Policy of responses without scripts: login, rejections, errors."""
SAME_ORIGIN_FRAMES = "; frame-ancestors 'self'"
_HOST = re.compile(r"[\w.:\[\]-]+", re.ASCII)
_SCRIPT = re.compile(r"<script(?=[\s>])")


def page_policy(nonce: str, host: str) -> str:
    """Return the content security policy of the page.

    A page of Panel 1.10 needs these parts beyond `'self'` (checked in Chromium by removing each of them):

    * scripts with the page's nonce: Panel's template and Bokeh write scripts into the page. No other script runs, such
      as one in the name of a model, since scripts have no `'unsafe-inline'`.
    * `'unsafe-eval'`: Bokeh compiles `CustomJS` callbacks, which `jslink` creates, with `new Function`.
    * styles `'unsafe-inline'`: Bokeh and Material UI create stylesheets and `style` attributes in scripts.
    * `ws:` and `wss:` of this host: Safari before 15.4 does not include them in `'self'`.

    Args:
        nonce: Random string, new for each response.
        host: The Host header of the request.
    """
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'{sockets}; worker-src 'self' blob:; "
        f"manifest-src 'self'; frame-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'"
    )


def with_nonce(html: str, nonce: str) -> str:
    """Add the nonce to the scripts of a page, which must not contain text of users."""
    return _SCRIPT.sub(f'<script nonce="{nonce}"', html)


class Headers(OutputTransform):
    """Adds the headers to all responses of a server."""

    ancestors = SAME_ORIGIN_FRAMES

    def __init__(self, request: HTTPServerRequest):
        pass

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add the headers; a response without a policy gets the strict one."""
        for name, value in HEADERS.items():
            headers[name] = value
        headers[POLICY] = headers.get(POLICY, STRICT) + self.ancestors
        headers["Server"] = "Char-RNN Studio"
        return status_code, headers, chunk


class FramedHeaders(Headers):
    """The same for pages that a notebook embeds in a frame."""

    ancestors = ""
