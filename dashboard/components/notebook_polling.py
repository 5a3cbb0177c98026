"""Poll for updates where the server cannot push them: on a page that Panel renders inside a notebook cell.

Panel sends each update of a cell as several messages, which would interleave if several threads sent updates. The
kernel handles the polls of the browser on a single thread.
"""

from pathlib import Path

import param
from panel.custom import JSComponent

from dashboard.live.session import Session


class Poller(JSComponent):
    """Polls four times per second while the browser shows the page. Invisible, but must be on the page."""

    count = param.Integer(default=0)

    _esm = Path(__file__).with_suffix(".js")

    @classmethod
    def for_session(cls, session: Session) -> "Poller":
        """Create a poller that updates the views of a session."""
        poller = cls(width=0, height=0, margin=0)
        poller.param.watch(lambda event: session.update(), "count")
        return poller
