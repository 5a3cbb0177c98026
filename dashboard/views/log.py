"""Show the live log of a training, with search and download."""

import io

import panel as pn
import panel.ui as pui

from charrnn.core.records import LogLine
from dashboard.components.log_pane import LogPane
from dashboard.components.visible_only_layout import visible_only
from dashboard.escape import printable
from dashboard.live.session import Session
from dashboard.theme import SMALL, WIDE, markup
from dashboard.views.view import View

LEVELS = {"All": "", "Warnings and errors": "warning", "Errors": "error"}
MAX_RESULTS = 1000
HEIGHT, ONE_LINE = 280, 38
"""Heights of the log in pixels: opened, and collapsed to its newest line."""


class LogView(View):
    """The log of the chosen model.

    Args:
        session: The session of the page.
        collapsed: Show only the newest line until the user opens the log.
    """

    def __init__(self, session: Session, *, collapsed: bool = False):
        super().__init__(session)
        self._model_id, self._position = "", 0
        self.pane = LogPane(height=HEIGHT, **WIDE)
        self.search = pui.TextInput(label="Search the log", width=200, **SMALL)
        self.level = pui.Select(label="Level", options=LEVELS, value="", width=180, **SMALL)
        self.follow = pui.Switch(label="Follow", value=True, margin=(4, 0))
        self.results = markup()
        self.download = pui.FileDownload(
            callback=self._file, filename="log.txt", label="Download", variant="text", **SMALL
        )
        self.follow.link(self.pane, value="follow")
        for widget in (self.search, self.level):
            widget.param.watch(lambda event: self._search(), "value")
        bar = pn.FlexBox(
            self.search, self.level, self.follow, self.download, align_items="center", gap="10px 14px", margin=0
        )
        self._tools = pn.Column(bar, self.results, **WIDE)
        self._toggle = self.button("Hide log", self._show_or_hide, variant="text", size="small", visible=collapsed)
        parts = self._tools, self.pane, self._toggle
        self.layout = visible_only(pn.Column(*parts, **WIDE))
        if collapsed:
            self._show_or_hide()

    def _show_or_hide(self) -> None:
        is_shown = not self._tools.visible
        self._tools.visible, self.pane.height = is_shown, HEIGHT if is_shown else ONE_LINE
        self._toggle.label = "Hide log" if is_shown else "Show log"

    @property
    def _is_searching(self) -> bool:
        return bool(self.search.value or self.level.value)

    def update(self) -> None:
        """Append new lines, unless search results are shown."""
        history = self.session.history
        if history is None:
            return
        if history.model.id != self._model_id:
            self._model_id, self._position = history.model.id, 0
            self.search.value, self.level.value = "", ""
            self.pane.replace([])
        if self._is_searching:
            return
        new = [line for line in list(history.lines) if line.position > self._position]
        if new:
            self._position = new[-1].position
            self.pane.append([_line(line) for line in new])

    def _search(self) -> None:
        if not self._is_searching:
            self._position = 0
            self.results.object = ""
            self.pane.replace([])
            self.update()
            return
        model_id, text, level = self._model_id, self.search.value, self.level.value
        find = self.session.services.models.find_lines
        self.session.run(
            lambda: find(model_id, text, level=level, limit=MAX_RESULTS), self._show_results, self.session.show_error
        )

    def _show_results(self, lines: list[LogLine]) -> None:
        number = f"{len(lines):,} line{'s' * (len(lines) != 1)} found"
        shown = f"Newest {number}" if len(lines) == MAX_RESULTS else number
        self.results.object = f'<p class="soft small" role="status">{shown}</p>'
        self.pane.replace([_line(line, numbered=True) for line in lines])

    def _file(self) -> io.BytesIO:
        lines = self.session.services.models.lines(self._model_id)
        return io.BytesIO("".join(line.text + "\n" for line in lines).encode())


def _line(line: LogLine, *, numbered: bool = False) -> dict[str, str]:
    text = printable(line.text)
    return {"text": f"{line.position:>7,}  {text}" if numbered else text, "level": line.level}
