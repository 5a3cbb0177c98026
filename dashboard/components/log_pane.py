"""Show a log whose new lines are appended in the browser."""

import json
from collections import deque
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

from dashboard.live.model_feed import MAX_LINES


class LogPane(JSComponent):
    """A pane of text lines; HTML in them is shown as text."""

    label = param.String(default="Training log")
    follow = param.Boolean(default=True)
    max_lines = param.Integer(default=MAX_LINES)
    start = param.String(default="[0, []]", doc="JSON of the first lines: number of the last change, and all lines.")

    _esm = Path(__file__).with_suffix(".js")
    _stylesheets = [Path(__file__).with_suffix(".css").read_text("utf-8")]

    def __init__(self, **params: Any):
        super().__init__(**params)
        self.lines: deque[dict[str, str]] = deque(maxlen=self.max_lines)
        self._is_drawn = False
        self._number = 0

    def append(self, lines: list[dict[str, str]]) -> None:
        """Append lines, each with its `text` and `level`."""
        self.lines.extend(lines)
        self._send("append", lines)

    def replace(self, lines: list[dict[str, str]]) -> None:
        """Replace all lines."""
        self.lines.clear()
        self.lines.extend(lines)
        self._send("replace", lines)

    def _send(self, kind: str, lines: list[dict[str, str]]) -> None:
        self._number += 1
        if self._is_drawn:
            self._send_msg({"type": kind, "lines": lines})
        else:  # part of the page; if the page was sent already, the browser asks for it after rendering
            with param.discard_events(self):
                self.start = json.dumps([self._number, list(self.lines)])

    def _handle_msg(self, message: Any) -> None:
        """Receive the number of the change that the browser has rendered; send all lines if it is not the latest."""
        self._is_drawn = True
        if message["number"] != self._number:
            self._send_msg({"type": "replace", "lines": list(self.lines)})
