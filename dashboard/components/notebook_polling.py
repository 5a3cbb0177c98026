"""Poll for updates where the server cannot push them: on a page that Panel renders inside a notebook cell.

The kernel answers what the browser sends on one thread, and so it answers polling. Panel sends an update of a cell as
several messages, which would interleave if another thread sent some at the same time.
"""

from pathlib import Path

import param
from panel.custom import JSComponent

from dashboard.live.session import Session


class Poller(JSComponent):
    """Poll four times a second while the browser shows the page. Invisible, but must be on the page."""

    count = param.Integer(default=0)

    _esm = Path(__file__).with_suffix(".js")

    @classmethod
    def for_session(cls, session: Session) -> "Poller":
        """Create one that updates the views of a session."""
        poller = cls(width=0, height=0, margin=0)
        poller.param.watch(lambda event: session.update(), "count")
        return poller
