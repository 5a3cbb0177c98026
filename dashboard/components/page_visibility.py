"""Track whether the page is visible: a page in a hidden browser tab gets no updates."""

from pathlib import Path

import param
from panel.custom import JSComponent

from dashboard.live.session import Session


class PageVisibility(JSComponent):
    """Reports whether the page is visible. Invisible itself, but must be on the page."""

    is_page_visible = param.Boolean(default=True)

    _esm = Path(__file__).with_suffix(".js")

    @classmethod
    def for_session(cls, session: Session) -> "PageVisibility":
        """Create a component that pauses and resumes the updates of a session."""
        visibility = cls(width=0, height=0, margin=0)
        visibility.param.watch(lambda event: setattr(session, "is_page_visible", event.new), "is_page_visible")
        return visibility
