"""Show one page at a time: all models, the two steps to a new model, or the tabs of a model."""

from collections.abc import Callable, Mapping
from typing import Any

import panel as pn
import panel.ui as pui

from dashboard.components.tab_bar import TabBar
from dashboard.live.session import MODEL_TABS, NEW_TABS, TABS, Session
from dashboard.views.view import View

TITLES = {
    "library": "Models",
    "text": "Text",
    "options": "Settings",
    "training": "Watch",
    "write": "Write",
    "details": "Details",
}
NO_HEADER = {"& > .MuiTabs-root": {"display": "none"}}
"""Style of Panel's tabs without their own row of tabs."""


class TabsView(View):
    """The page that the session has opened. A view is built when it is first opened, and updated while it is open.

    Args:
        session: The session of the page.
        views: Builds the view of each tab.
    """

    def __init__(self, session: Session, views: Mapping[str, Callable[[Session], View]]):
        super().__init__(session)
        self._build, self._views = views, dict[str, View]()
        wide: dict[str, Any] = {"sizing_mode": "stretch_width"}
        self._containers = {name: pn.Column(margin=(16, 0), **wide) for name in TABS}
        self.bar = TabBar(self.go_to, margin=0, **wide)
        # Only the open page is in the document.
        self.pages = pui.Tabs(*self._containers.items(), dynamic=True, margin=0, sx=NO_HEADER, **wide)
        self.layout = pn.Column(self.bar, self.pages, margin=0, **wide)
        session.param.watch(lambda event: self._open(), "tab")
        self._open()

    def _open(self) -> None:
        """Show the open tab; build its view if necessary."""
        name = self.session.tab
        if name not in self._views:
            self.session.report_errors(lambda: self._add(name))
        names = next((group for group in (NEW_TABS, MODEL_TABS) if name in group), ())
        self.bar.param.update(tabs=[(each, TITLES[each]) for each in names], current=name)
        self.pages.active = TABS.index(name)
        self.session.wake()

    def _add(self, name: str) -> None:
        view = self._build[name](self.session)
        # Before it is on the page: Bokeh sends a new component in its state at the end of a callback. A part of it that
        # was changed and removed meanwhile is missing there, and a browser that gets its change alone shows nothing.
        self.session.report_errors(view.update)
        self._views[name] = view
        self._containers[name].append(view)

    def update(self) -> None:
        """Update the view of the open tab."""
        name = self.session.tab
        if name not in self._views and not self.session.hub.database.message:
            self._add(name)
        if name in self._views:
            self._views[name].update()
