"""Markup that changes while somebody looks: to a pane of Panel a change costs several times as much."""

from typing import Any

import param
from panel.custom import JSComponent

from dashboard.theme import ASSETS, CONTENT


class Live(JSComponent):
    """Shows our own markup; whatever in it was stored must have passed through `escaped`."""

    html = param.String(doc="What stands there when it is drawn for the first time.")

    _esm = ASSETS / "live.js"
    _stylesheets = [CONTENT]

    def __init__(self, **params: Any):
        super().__init__(sizing_mode="stretch_width", margin=0, **params)
        self._is_drawn = False

    def show(self, html: str) -> None:
        """Show other markup; nothing happens if it is shown already."""
        if html == self.html:
            return
        with param.discard_events(self):  # it goes out with the page, or in a message to a page that is out
            self.html = html
        if self._is_drawn:
            self._send_msg(html)

    def _handle_msg(self, message: Any) -> None:
        self._is_drawn = True
        if message != self.html:
            self._send_msg(self.html)
