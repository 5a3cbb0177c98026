"""One visitor's page: the views in their tabs, the notice above them, and how the page wakes up and ends."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import panel as pn
import panel.ui as pui
from bokeh.document import Document
from bokeh.events import ConnectionLost

from charrnn.services import Services
from dashboard.browser_messages.allowed_properties import Rejected
from dashboard.browser_messages.message_filter import check
from dashboard.components.action_button import ActionButton
from dashboard.components.color_scheme import Appearance
from dashboard.components.page_visibility import Presence
from dashboard.components.polling import Pulse
from dashboard.components.visible_only_layout import sparing
from dashboard.escape import escaped
from dashboard.live.hub import Hub
from dashboard.live.session import TABS, Session
from dashboard.patches import busy_indicator
from dashboard.patches.notebook_comm import FilteredPage
from dashboard.theme import PAGE, THEME, markup
from dashboard.views.log import LogView
from dashboard.views.loss import LossView
from dashboard.views.models import LibraryView
from dashboard.views.new_model import OptionsView
from dashboard.views.text import TextView
from dashboard.views.training import TrainingView
from dashboard.views.write import WriteView

TITLES = {"library": "Library", "text": "Text", "options": "Options", "training": "Training", "write": "Write"}


PARTS: dict[str, Callable[[Session], pn.viewable.Viewer]] = {
    "library": LibraryView, "text": TextView, "options": OptionsView, "training": TrainingView, "write": WriteView,
    "loss": LossView, "log": LogView,
}  # fmt: skip
"""Every view that can be a page of its own; the first five are the tabs."""


log = logging.getLogger(__name__)


class StudioPage(FilteredPage):
    """The page of a visitor; one that Panel draws in a notebook's cell checks what the browser sends, too."""

    def filter_events(self, document: Document, content: Any, sizes: Mapping[str, int]) -> list[Any] | None:
        """Return the events that may be applied; ignore and log a message that the page would never send."""
        try:
            return check(document, content, sizes)
        except Rejected as error:
            log.warning("Ignored what a browser sent: %s", error)
            return None


def build_page(services: Services, hub: Hub, *, max_upload_bytes: int, part: str = "", model_id: str = "") -> pui.Page:
    """Build the page of a new visitor: inside a Bokeh session, or for a notebook's cell.

    Args:
        services: What a user can do.
        hub: Follows models for all pages.
        max_upload_bytes: Largest text that is taken from the browser.
        part: One of `PARTS`, alone; what the address asks for if empty, which is mostly all of them.
        model_id: The model to look at; the one in the address if empty.
    """
    session = Session(services, hub, wake := _Doorbell(), max_upload_bytes=max_upload_bytes)
    served = _live(session, wake)
    session.model_id = model_id or session.model_id
    part = part or _asked_part()
    content = PARTS[part](session) if part else _tabs(session)
    lines = [_outage(session), _notice(session)]
    page = StudioPage(
        title="Char-RNN Studio",
        header=[_loading(session)],
        main=[sparing(pn.Column(*lines, content, sizing_mode="stretch_width", margin=0, styles=PAGE))],
        main_width={"xs": "100%", "xl": 1500},
        theme_config=THEME,
        busy_indicator=None,
    )
    page.header = [*page.header, Appearance.of(page), Presence.of(session)]
    if not served:
        page.header = [*page.header, Pulse.of(session)]
    busy_indicator.detach(page)
    return page


def _asked_part() -> str:
    """Return the part that the address asks for alone, as a notebook's cell does; empty for all of it."""
    asked = pn.state.session_args.get("part", [b""])[0].decode(errors="replace")
    return asked if asked in PARTS else ""


def _tabs(session: Session) -> pui.Tabs:
    """Make the tabs; each view is built when its tab is first open, so that the page is there at once."""
    places = {name: pn.Column(sizing_mode="stretch_width", margin=(20, 0)) for name in TABS}

    def build(name: str) -> None:
        session.place = name
        session.guarded(lambda: places[name].append(PARTS[name](session)))
        session.place = ""

    def show(name: str) -> None:
        if not places[name].objects:
            build(name)
            session.drain()

    def build_what_is_missing() -> None:
        if not places[session.tab].objects and not session.hub.outage.words:
            build(session.tab)

    session.on_news(build_what_is_missing)
    show(session.tab)
    tabs = pui.Tabs(
        *[(TITLES[name], places[name]) for name in TABS], active=TABS.index(session.tab), dynamic=True,
        sizing_mode="stretch_width", margin=0,
    )  # fmt: skip
    tabs.param.watch(lambda event: setattr(session, "tab", TABS[event.new]), "active")

    def turn(event: Any) -> None:
        show(event.new)
        tabs.active = TABS.index(event.new)

    session.param.watch(turn, "tab")
    return tabs


def _loading(session: Session) -> pn.viewable.Viewable:
    """A quiet sign while TensorFlow is imported; everything that does not need it works meanwhile."""
    words = markup(sizing_mode=None, styles={"color": "inherit"})

    def show() -> None:
        text = '<span class="loading" role="status">TensorFlow is loading …</span>' if session.hub.loading else ""
        if words.object != text:
            words.object = text

    session.on_news(show)
    return words


class _Doorbell:
    """Wakes a session from any thread: rings go to the document once there is one, and end with it."""

    ring: Callable[[], None] | None = None

    def __call__(self) -> None:
        if self.ring is not None:
            self.ring()


def _live(session: Session, wake: _Doorbell) -> bool:
    """Let news in as long as the page is there; tell whether there is a server to do so."""
    document = pn.state.curdoc
    served = document is not None and document.session_context is not None
    if served:
        wake.ring = document.locked_callback(session.drain, policy="latest")
        pn.state.on_session_destroyed(lambda context: session.close())
        document.on_event(ConnectionLost, lambda event: _leave_if_alone(document, session))
        # what came while the page was built was shown by nobody; about a model at rest nothing more comes
        pn.state.onload(session.wake)

    def strange(values: dict[str, Any]) -> None:
        session.complain(f"This link asks for something that is not there: {values}. Choose a model in the library.")

    if pn.state.location is not None:
        pn.state.location.sync(session, {"tab": "tab", "model_id": "model", "corpus_id": "text"}, on_error=strange)
    session.guarded(lambda: _welcome(session))
    return served


def _leave_if_alone(document: Document, session: Session) -> None:
    """Tell the session when the last connection to its page is lost."""
    context = document.session_context
    if context is not None and context.session is not None and not context.session.connection_count:
        session.leave()


def _welcome(session: Session) -> None:
    if session.tab == "library" and not session.services.models.all():
        session.tab = "text"


def _outage(session: Session) -> pn.viewable.Viewable:
    """A quiet line while the database is away; trainings go on meanwhile, and what they say comes later."""
    line = markup(visible=False, margin=(8, 0, 0, 0))

    def show() -> None:
        words = session.hub.outage.words
        text = (
            '<div class="notice info" role="status"><span>The database cannot be reached; trying again … '
            f'<span class="soft small" dir="auto">{escaped(words)}</span></span></div>'
        )
        line.param.update(object=text if words else "", visible=bool(words))

    session.on_news(show)
    show()
    return line


def _notice(session: Session) -> pn.viewable.Viewable:
    words = markup()
    close = ActionButton(session, lambda: _hide(), label="Close", variant="text", size="small", align="center")
    row = pn.Row(words, close, visible=False, sizing_mode="stretch_width", margin=(8, 0, 0, 0))

    def _hide() -> None:
        row.visible = False

    def _show() -> None:
        kind, text = session.notice
        if text:
            role = "alert" if kind == "error" else "status"
            words.object = f'<div class="notice {kind}" role="{role}"><span dir="auto">{escaped(text)}</span></div>'
            row.visible = True

    session.param.watch(lambda event: _show(), "notice")
    _show()
    return row
