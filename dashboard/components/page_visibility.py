"""Whether anybody can see the page: one in a hidden browser tab is not kept up to date, so that it costs nothing."""

import param
from panel.custom import JSComponent

from dashboard.live.session import Session
from dashboard.theme import ASSETS


class Presence(JSComponent):
    """Knows whether the browser shows the page. Shows nothing itself, but must be on the page."""

    in_sight = param.Boolean(default=True, doc="Whether the page is in sight.")

    _esm = ASSETS / "presence.js"

    @classmethod
    def of(cls, session: Session) -> "Presence":
        """Make one and tie it to a session."""
        presence = cls(width=0, height=0, margin=0)
        presence.param.watch(lambda event: setattr(session, "in_sight", event.new), "in_sight")
        return presence
