"""Where no server can wake a page, the page asks for news: in a notebook's cell that Panel draws itself.

What the browser sends is answered on one thread of the kernel, and so is this. Panel's updates of a cell are several
messages each, which would get mixed up if a thread of our own sent some at the same time.
"""

import param
from panel.custom import JSComponent

from dashboard.live.session import Session
from dashboard.theme import ASSETS


class Pulse(JSComponent):
    """Beats four times a second while the page is in sight. Shows nothing itself, but must be on the page."""

    beat = param.Integer(default=0)

    _esm = ASSETS / "pulse.js"

    @classmethod
    def of(cls, session: Session) -> "Pulse":
        """Make one that shows a session what is new at each beat."""
        pulse = cls(width=0, height=0, margin=0)
        pulse.param.watch(lambda event: session.drain(), "beat")
        return pulse
