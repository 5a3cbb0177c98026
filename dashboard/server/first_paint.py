"""The way in: a visitor's first picture is there at once; the page is built while the browser reads its programs.

What is sent first is the same for everybody but for a token. Panel sends it when the page is built; here it is kept
from an earlier visit. When the browser then opens its connection, it waits for the page as for any other.
"""

import asyncio
import re
import secrets
import threading
import time
import urllib.error
import urllib.request
from typing import Any, cast
from weakref import WeakKeyDictionary

from bokeh.application import Application
from bokeh.application.handlers.handler import Handler
from bokeh.document import Document
from bokeh.server.views.metadata_handler import MetadataHandler
from bokeh.util.token import generate_jwt_token, generate_session_id
from panel.config import config
from panel.io.resources import LOCAL_DIST, patch_model_css
from panel.io.server import AutoloadJsHandler, DocHandler, WSHandler
from panel.io.state import set_curdoc
from tornado.ioloop import IOLoop
from tornado.web import authenticated

from dashboard.components.color_scheme import MARK
from dashboard.server.auth import Binding, Gate
from dashboard.server.cookies import SafeCookies
from dashboard.server.security_headers import POLICY, page_policy, with_nonce
from dashboard.server.websocket import Socket

_TOKEN = re.compile(r'(?<="token":")[^"]+')
_ADDRESS = {"tab", "model", "text"}
"""What an address may say that leads to the whole page; with anything else, Panel decides what comes first."""
SHEETS_SECONDS = 0.15
"""Until the browser has the style sheets, without which it paints nothing; it reads its programs for longer."""
_shells: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
"""What is sent first, of each application of this process that is ours."""
_visits = threading.Event()
"""Set while our own visit is under way."""
_OURSELVES = "Char-RNN Studio's own first visit"


class Sheets(Handler):
    """Has a page be built a moment after it was begun.

    It is begun at once, so that a browser which connects in this moment waits for it instead of building another.
    """

    def __init__(self) -> None:
        super().__init__()
        self.awaited: set[str] = set()
        """Sessions whose browsers ask for style sheets first."""

    @classmethod
    def of(cls, application: Application) -> "Sheets":
        """Return the one of an application."""
        for handler in application.handlers:
            if isinstance(handler, cls):
                return handler
        application.add(sheets := cls())
        return sheets

    def modify_document(self, doc: Document) -> None:
        """Leave the page alone."""

    async def on_session_created(self, session_context: Any) -> None:
        """Wait."""
        if session_context.id in self.awaited:
            self.awaited.discard(session_context.id)
            await asyncio.sleep(SHEETS_SECONDS)


class Front(SafeCookies, DocHandler):
    """Answers with the first picture and a token, then begins to build the page."""

    @authenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Answer a visitor; as Panel does where nothing was kept yet, or somebody wants to be asked who may come in."""
        while self._is_coming:
            await asyncio.sleep(0.01)
        shell = _shells.get(self.application_context)
        if shell is None or config.authorize_callback or not self._is_whole_page:
            await cast(Any, super()).get(*args, **kwargs)
            return
        signing = {"secret_key": self.application.secret_key, "signed": self.application.sign_sessions}
        session_id = generate_session_id(**signing)
        token = generate_jwt_token(
            session_id, **signing, expiration=self.application.session_token_expiration,
            extra_payload=self._generate_token_payload(),
        )  # fmt: skip
        self.set_header("Cache-Control", "no-store")  # as Panel does: the token is for one visit
        self.set_header("Content-Type", "text/html; charset=utf-8")
        await self.finish(_TOKEN.sub(token, shell))
        Sheets.of(self.application_context.application).awaited.add(session_id)
        IOLoop.current().add_callback(self._build, session_id, token)

    @property
    def _is_whole_page(self) -> bool:
        """Whether the address asks for nothing but what the page reads for itself once it is there."""
        return _ADDRESS.issuperset(self.request.arguments)

    @property
    def _is_coming(self) -> bool:
        """Whether our own visit is about to leave what is sent first."""
        is_ours = self.request.headers.get("User-Agent") == _OURSELVES
        return _visits.is_set() and not is_ours and self.application_context not in _shells

    async def _build(self, session_id: str, token: str) -> None:
        """Build the page that a browser will ask for with this token, and have its style sheets come from here."""
        session = await self.application_context.create_session_if_needed(session_id, self.request, token)
        document = session.document
        with set_curdoc(document):  # as Panel does when it writes the page that is sent first
            document.template_variables["dist_url"] = LOCAL_DIST
            for root in document.roots:
                patch_model_css(root, dist_url=LOCAL_DIST)

    def write(self, chunk: Any) -> None:
        """Send a page with its scripts marked as ours, and keep it for later visitors if it is the whole one."""
        if isinstance(chunk, str):
            if MARK in chunk and self._is_whole_page:
                _shells.setdefault(self.application_context, chunk)
            nonce = secrets.token_urlsafe(16)
            self.set_header(POLICY, page_policy(nonce, self.request.host))
            chunk = with_nonce(chunk, nonce)
        super().write(chunk)


def install(server: Any) -> None:
    """Have a server's pages answer this way.

    Bokeh's routes for pages that show the application as their part are removed: nobody needs them, and what is not
    there has no holes.

    Raises:
        RuntimeError: The server has no websocket where one is expected: another version of Panel or Bokeh.
    """
    ours = {DocHandler: Front, WSHandler: Socket}
    router = server._tornado.wildcard_router
    router.rules[:] = [rule for rule in router.rules if rule.target not in (AutoloadJsHandler, MetadataHandler)]
    if not any(rule.target is WSHandler for rule in router.rules):
        raise RuntimeError("Panel's websocket was not found. This version of Panel or Bokeh is not supported.")
    for rule in router.rules:
        rule.target = rule.handler_class = ours.get(rule.target, rule.target)
    if isinstance(server._tornado.auth_provider, Gate):
        for context in server._tornado._applications.values():
            context.application.add(Binding(server._tornado.auth_provider))


def visit(url: str, seconds: float = 15) -> None:
    """Look at the page once, on a thread of its own, so that nobody else is the first to do so.

    Whoever comes meanwhile waits for it, which takes less time than to build another page at the same time. If it does
    not succeed, the next visitor is the first.
    """
    _visits.set()
    threading.Thread(target=_visit, args=(url, seconds), name="dashboard first visit", daemon=True).start()


def _visit(url: str, seconds: float) -> None:
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, headers={"User-Agent": _OURSELVES})
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            try:
                straight.open(request, timeout=seconds).read()
                return
            except urllib.error.HTTPError:  # the server's log says why
                return
            except OSError:  # it does not listen yet
                time.sleep(0.02)
    finally:
        _visits.clear()
