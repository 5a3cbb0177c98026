"""Show HTML that is updated by messages; each change of Panel's own HTML pane makes Bokeh lay out the page again."""

from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

from dashboard.theme import STYLESHEET


class HTMLPane(JSComponent):
    """A pane for HTML of the dashboard; stored text in it must have passed through `escaped`."""

    html = param.String(doc="The HTML that is shown.")

    _esm = Path(__file__).with_suffix(".js")
    _stylesheets = [STYLESHEET]

    def __init__(self, **params: Any):
        super().__init__(sizing_mode="stretch_width", margin=0, **params)
        self._is_drawn = False

    def show(self, html: str) -> None:
        """Show the given HTML; do nothing if it is shown already."""
        if html == self.html:
            return
        with param.discard_events(self):  # part of the page if it was not sent yet, else sent as a message
            self.html = html
        if self._is_drawn:
            self._send_msg(html)

    def _handle_msg(self, message: Any) -> None:
        """Receive the HTML that the browser has rendered, and send the current HTML if it differs."""
        self._is_drawn = True
        if message != self.html:
            self._send_msg(self.html)
