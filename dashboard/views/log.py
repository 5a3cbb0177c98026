"""The log of a model: live, searchable, to download."""

import io
import json
from collections import deque
from typing import Any

import panel as pn
import panel.ui as pui
import param
from panel.custom import JSComponent

from charrnn.core.records import LogLine
from dashboard.escape import visible
from dashboard.live.model_feed import LINES, Story
from dashboard.live.session import Session
from dashboard.theme import ASSETS, markup

LEVELS = {"Everything": "", "Warnings and errors": "warning", "Errors": "error"}
FOUND = 1000
"""Lines that a search shows at most."""


class LogPane(JSComponent):
    """Lines of text, appended in the browser; written with `textContent`, so that nothing in them is obeyed."""

    label = param.String(default="Training log")
    follow = param.Boolean(default=True)
    max_lines = param.Integer(default=LINES)
    start = param.String(default="[0, []]", doc="What stands there when it is drawn at first, as JSON: number, lines.")

    _esm = ASSETS / "log.js"
    _stylesheets = [(ASSETS / "log.css").read_text("utf-8")]

    def __init__(self, **params: Any):
        super().__init__(**params)
        self.lines: deque[dict[str, str]] = deque(maxlen=self.max_lines)
        self._is_drawn = False
        self._number = 0

    def append(self, lines: list[dict[str, str]]) -> None:
        """Show more lines."""
        self.lines.extend(lines)
        self._tell("append", lines)

    def replace(self, lines: list[dict[str, str]]) -> None:
        """Show other lines."""
        self.lines.clear()
        self.lines.extend(lines)
        self._tell("replace", lines)

    def _tell(self, kind: str, lines: list[dict[str, str]]) -> None:
        self._number += 1
        if self._is_drawn:
            self._send_msg({"type": kind, "lines": lines})
        else:  # they go out with the page; a page that is out asks for them when it is drawn
            with param.discard_events(self):
                self.start = json.dumps([self._number, list(self.lines)])

    def _handle_msg(self, message: Any) -> None:
        self._is_drawn = True
        if message["number"] != self._number:
            self._send_msg({"type": "replace", "lines": list(self.lines)})


class LogView(pn.viewable.Viewer):
    """Follows the chosen model's log."""

    def __init__(self, session: Session):
        super().__init__()
        self._session = session
        self._model_id, self._position = "", 0
        self._pane = LogPane(height=280, sizing_mode="stretch_width", margin=0)
        self._search = pui.TextInput(label="Search the log", width=200, size="small", margin=0)
        self._level = pui.Select(label="Level", options=LEVELS, value="", width=180, size="small", margin=0)
        self._follow = pui.Switch(label="Follow", value=True, margin=(4, 0))
        self._found = markup()
        self._download = pui.FileDownload(
            callback=self._file, filename="log.txt", label="Download", variant="text", size="small", margin=0
        )
        self._follow.link(self._pane, value="follow")
        for widget in (self._search, self._level):
            widget.param.watch(lambda event: self._look_for(), "value")
        bar = pn.FlexBox(
            self._search, self._level, self._follow, self._download, align_items="center", gap="10px 14px", margin=0
        )
        self._layout = pn.Column(bar, self._found, self._pane, sizing_mode="stretch_width", margin=0)
        session.on_news(self._show)

    @property
    def _searches(self) -> bool:
        return bool(self._search.value or self._level.value)

    def _show(self) -> None:
        feed = self._session.feed
        story: Story | None = feed.story if feed else None
        if story is None:
            return
        if story.model.id != self._model_id:
            self._model_id, self._position = story.model.id, 0
            self._search.value, self._level.value = "", ""
            self._pane.replace([])
        if self._searches:
            return
        new = [line for line in list(story.lines) if line.position > self._position]
        if new:
            self._position = new[-1].position
            self._pane.append([_shown(line) for line in new])

    def _look_for(self) -> None:
        if not self._searches:
            self._position = 0
            self._found.object = ""
            self._pane.replace([])
            self._show()
            return
        model_id, words, level = self._model_id, self._search.value, self._level.value
        find = self._session.services.models.find_lines
        self._session.run(
            lambda: find(model_id, words, level=level, limit=FOUND), self._show_found, self._session.complain
        )

    def _show_found(self, lines: list[LogLine]) -> None:
        number = f"{len(lines):,} line{'s' * (len(lines) != 1)}"
        many = f"The newest {number}" if len(lines) == FOUND else number
        self._found.object = f'<p class="soft small" role="status">{many} found</p>'
        self._pane.replace([_shown(line, numbered=True) for line in lines])

    def _file(self) -> io.BytesIO:
        lines = self._session.services.models.lines(self._model_id)
        return io.BytesIO("".join(line.text + "\n" for line in lines).encode())

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout


def _shown(line: LogLine, *, numbered: bool = False) -> dict[str, str]:
    text = visible(line.text)
    return {"text": f"{line.position:>7,}  {text}" if numbered else text, "level": line.level}
