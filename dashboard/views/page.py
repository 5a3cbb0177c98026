"""Build the page of a session: a menu, the open view, a notice above them, and its connection to the server."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import panel as pn
import panel.ui as pui
from bokeh.document import Document
from bokeh.events import ConnectionLost

from charrnn.core.records import ACTIVE
from charrnn.services import Services
from charrnn.services.progress_estimate import percent_complete
from dashboard.browser_messages.allowed_properties import Rejected
from dashboard.browser_messages.message_filter import filter_patch
from dashboard.components.action_button import ActionButton
from dashboard.components.browser_history import BrowserHistory
from dashboard.components.browser_tab import BrowserTab
from dashboard.components.color_scheme import ColorScheme
from dashboard.components.notebook_polling import Poller
from dashboard.components.page_visibility import PageVisibility
from dashboard.components.visible_only_layout import visible_only
from dashboard.escape import escaped, printable
from dashboard.live.hub import Hub
from dashboard.live.session import TABS, Session
from dashboard.patches import busy_flag
from dashboard.patches.browser_scripts import bundle_url, page_scripts
from dashboard.patches.notebook_messages import FilteredPage
from dashboard.theme import PAGE, THEME, WIDE, markup
from dashboard.views.details import DetailsView
from dashboard.views.log import LogView
from dashboard.views.loss import LossView
from dashboard.views.models import ModelsView
from dashboard.views.navigation import NavigationView
from dashboard.views.new_model import NewModelView
from dashboard.views.tabs import TabsView
from dashboard.views.text import TextView
from dashboard.views.training import TrainingView
from dashboard.views.view import View
from dashboard.views.write import WriteView

VIEWS: dict[str, Callable[[Session], View]] = {
    "library": ModelsView,
    "text": TextView,
    "options": NewModelView,
    "training": TrainingView,
    "write": WriteView,
    "details": DetailsView,
    "loss": LossView,
    "log": LogView,
}
"""Views that can be a page of their own; all but the last two are also tabs."""
HTML = Path(__file__).with_suffix(".html").read_text("utf-8")
TEMPLATE = HTML.replace("PATCHES", page_scripts()).replace("BUNDLE", bundle_url())

log = logging.getLogger(__name__)


class StudioPage(FilteredPage):
    """The page, which ignores invalid messages of the browser if it is inside a notebook cell."""

    def filter_events(self, document: Document, content: Any, sizes: Mapping[str, int]) -> list[Any] | None:
        """Return the events that may be applied; log and ignore a message that our pages never send."""
        try:
            return filter_patch(document, content, sizes)
        except Rejected as error:
            log.warning("Ignored a message of a browser: %s", error)
            return None


def build_page(services: Services, hub: Hub, *, max_upload_bytes: int, part: str = "", model_id: str = "") -> pui.Page:
    """Build a page inside a Bokeh session, or for a notebook cell.

    Args:
        services: Services of the page's user.
        hub: The hub of the process.
        max_upload_bytes: Largest text that may be uploaded.
        part: One of `VIEWS`, which is shown alone; if empty, the one in the URL, or else the menu and all tabs.
        model_id: ID of the chosen model; if empty, the one in the URL.
    """
    session = Session(services, hub, wake := _Wake(), max_upload_bytes=max_upload_bytes)
    is_served = _connect(session, wake)
    session.model_id = model_id or session.model_id
    part = part or _part_in_url()
    # From the list of models, users go to the pages of one.
    content = _all_views(session) if part in ("", "library") else _single_view(session, part)
    status = [_database_status(session), _notice(session)]
    page = StudioPage(
        title="Char-RNN Studio",
        header=[_loading_status(session)],
        main=[visible_only(pn.Column(*status, content, styles=PAGE, **WIDE))],
        main_width={"xs": "100%", "xl": 1500},
        theme_config=THEME,
        busy_indicator=None,
    )
    page.template = TEMPLATE
    page.header = [
        *page.header,
        BrowserHistory(lambda query: _show_state_of(query, session)),
        ColorScheme.for_page(page),
        PageVisibility.for_session(session),
        _browser_tab(session),
    ]
    if not is_served:
        page.header = [*page.header, Poller.for_session(session)]
    elif services.user:
        page.header = [*page.header, _user_menu(services.user)]
    busy_flag.detach(page)
    return page


def _part_in_url() -> str:
    """Return the name of the only view to show, which frames in notebooks request in the URL; empty for all tabs."""
    part = pn.state.session_args.get("part", [b""])[0].decode(errors="replace")
    return part if part in VIEWS else ""


def _single_view(session: Session, part: str) -> View:
    view = VIEWS[part](session)
    session.on_update(view.update)
    return view


def _all_views(session: Session) -> pn.FlexBox:
    """Create the menu and the tabs next to it."""
    menu, tabs = NavigationView(session), TabsView(session, VIEWS)
    tabs.layout.styles = {"flex": "1 1 420px", "min-width": "0"}
    for view in (tabs, menu):
        session.on_update(view.update)
    session.report_errors(menu.update)
    return pn.FlexBox(menu, tabs, gap="0 36px", align_items="flex-start", **WIDE)


def _loading_status(session: Session) -> pn.viewable.Viewable:
    """Create the message that TensorFlow is being imported, which the page does not wait for."""
    status = markup(sizing_mode=None, styles={"color": "inherit"})

    def show() -> None:
        text = '<span class="loading" role="status">Loading TensorFlow …</span>' if session.hub.is_loading else ""
        if status.object != text:
            status.object = text

    session.on_update(show)
    return status


def _show_state_of(query: Mapping[str, str], session: Session) -> None:
    """Show the state of a URL that the browser went back or forward to."""
    tab = query.get("tab", TABS[0])
    if tab in TABS:
        # In a single update, because each update adds an entry to the browser's history.
        session.param.update(tab=tab, model_id=query.get("model", ""), corpus_id=query.get("text", ""))


def _browser_tab(session: Session) -> BrowserTab:
    """Create the title of the browser tab: the chosen model, with its progress or final state."""
    title = BrowserTab(width=0, height=0, margin=0)

    def show() -> None:
        model = session.model
        if model is None:
            title.show("", -1)
            return
        percent = percent_complete(model) if model.state in ACTIVE else -1
        state = f"{percent} %" if model.state in ACTIVE else str(model.state)
        title.show(f"{state} · {printable(model.name)}", percent)

    session.on_update(show)
    return title


def _user_menu(user: str) -> pn.viewable.Viewable:
    """Create the user name and the logout link in the header."""
    name = escaped(user)
    return markup(
        f'<div class="login"><span class="user" dir="auto" title="{name}">{name}</span>'
        '<a href="./logout">Log out</a></div>',
        sizing_mode=None,
        styles={"margin-left": "auto"},
    )


class _Wake:
    """Wakes up a session from any thread, as soon as its document exists."""

    callback: Callable[[], None] | None = None

    def __call__(self) -> None:
        if self.callback is not None:
            self.callback()


def _connect(session: Session, wake: _Wake) -> bool:
    """Connect a session to its document and its URL; return whether a server can push updates to it."""
    document = pn.state.curdoc
    is_served = document is not None and document.session_context is not None
    if is_served:
        wake.callback = document.locked_callback(session.update, policy="latest")
        pn.state.on_session_destroyed(lambda context: session.close())
        document.on_event(ConnectionLost, lambda event: _disconnect(document, session))
        # Show what has changed while the page was built, since there may be no later update.
        pn.state.onload(session.wake)

    def on_error(values: dict[str, Any]) -> None:
        session.show_error("This link is broken. Choose a model in the menu.")

    if pn.state.location is not None:
        pn.state.location.sync(session, {"tab": "tab", "model_id": "model", "corpus_id": "text"}, on_error=on_error)
    session.report_errors(lambda: _choose_first_tab(session))
    return is_served


def _disconnect(document: Document, session: Session) -> None:
    """Disconnect the session when the last connection to its page is lost."""
    context = document.session_context
    if context is not None and context.session is not None and not context.session.connection_count:
        session.disconnect()


def _choose_first_tab(session: Session) -> None:
    if session.tab == "library" and not session.services.models.all():
        session.tab = "text"


def _database_status(session: Session) -> pn.viewable.Viewable:
    """Create the message that the database cannot be reached; trainings continue, and store their results later."""
    # Not in `visible_only`: a busy browser can miss a change of a component that the next message removes.
    status = markup()

    def show() -> None:
        message = session.hub.database.message
        text = (
            '<div class="notice info" role="status" style="margin-top: 8px">'
            "<span>The database cannot be reached; retrying … "
            f'<span class="soft small" dir="auto">{escaped(message)}</span></span></div>'
        )
        status.object = text if message else ""

    session.on_update(show)
    show()
    return status


def _notice(session: Session) -> pn.viewable.Viewable:
    """Create the notice that shows the newest message of the session."""
    text = markup()
    close = ActionButton(session, lambda: hide(), label="Close", variant="text", size="small", align="center")
    row = pn.Row(text, close, visible=False, sizing_mode="stretch_width", margin=(8, 0, 0, 0))

    def hide() -> None:
        row.visible = False

    def show() -> None:
        kind, message = session.notice
        if message:
            role = "alert" if kind == "error" else "status"
            text.object = f'<div class="notice {kind}" role="{role}"><span dir="auto">{escaped(message)}</span></div>'
            row.visible = True

    session.param.watch(lambda event: show(), "notice")
    show()
    return row
