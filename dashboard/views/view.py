"""Define the base class of views: updates, change detection, navigation and buttons."""

from collections.abc import Callable
from typing import Any

import panel as pn

from dashboard.components.action_button import ActionButton
from dashboard.live.session import Session


class View(pn.viewable.Viewer):
    """A tab of the page, or a part of one.

    Subclasses assign their components to `layout`, and override `update` to show what is new. The page calls `update`
    with its lock held whenever something may have changed while the tab of the view is open.

    Args:
        session: The session of the page.
    """

    layout: pn.viewable.Viewable

    def __init__(self, session: Session):
        super().__init__()
        self.session = session
        self._shown_state: object = None

    def update(self) -> None:
        """Show what is new."""

    def update_children(self, *views: "View") -> None:
        """Update parts of this view; an error in one of them does not affect the others."""
        for view in views:
            self.session.report_errors(view.update)

    def if_changed(self, state: object, show: Callable[[], Any]) -> None:
        """Call `show` unless the state was the last one shown without an exception."""
        if state != self._shown_state:
            show()
            self._shown_state = state

    def invalidate(self) -> None:
        """Make the next `if_changed` call its function in any case."""
        self._shown_state = None

    def go_to(self, tab: str) -> None:
        """Open a tab."""
        self.session.tab = tab

    def button(self, label: str, action: Callable[[], Any], **params: Any) -> ActionButton:
        """Create a button that is disabled while its action runs."""
        return ActionButton(self.session, action, label=label, **params)

    def tab_button(self, label: str, tab: str, **params: Any) -> ActionButton:
        """Create a button that opens a tab."""
        return self.button(label, lambda: self.go_to(tab), **params)

    def __panel__(self) -> pn.viewable.Viewable:
        return self.layout
