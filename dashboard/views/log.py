"""The log of a model, live."""

import panel as pn
import param
from panel.custom import JSComponent

from dashboard.escape import visible
from dashboard.hub import LINES, Story
from dashboard.session import Session
from dashboard.theme import ASSETS


class LogPane(JSComponent):
    """Lines of text that are only ever appended; written with `textContent`, so that nothing in them is obeyed."""

    label = param.String(default="Training log")
    lines = param.List(default=[], doc="The newest lines, for whoever opens the page later.")
    max_lines = param.Integer(default=LINES)

    _esm = ASSETS / "log.js"
    _stylesheets = [(ASSETS / "log.css").read_text("utf-8")]

    def append(self, lines: list[dict[str, str]]) -> None:
        """Show more lines."""
        with param.parameterized.discard_events(self):
            self.lines = (self.lines + lines)[-self.max_lines :]
        self._send_msg({"type": "append", "lines": lines})

    def replace(self, lines: list[dict[str, str]]) -> None:
        """Show other lines."""
        with param.parameterized.discard_events(self):
            self.lines = lines[-self.max_lines :]
        self._send_msg({"type": "replace", "lines": self.lines})


class LogView(pn.viewable.Viewer):
    """Follows the chosen model's log."""

    def __init__(self, session: Session):
        super().__init__()
        self._session = session
        self._model_id, self._position = "", 0
        self._pane = LogPane(height=260, sizing_mode="stretch_width", margin=0)
        session.on_news(self._show)

    def _show(self) -> None:
        story: Story | None = self._session.feed.story if self._session.feed else None
        if story is None:
            return
        lines = list(story.lines)
        if story.model.id != self._model_id:
            self._model_id, self._position = story.model.id, 0
            self._pane.replace([])
        new = [line for line in lines if line.position > self._position]
        if new:
            self._position = new[-1].position
            self._pane.append([{"text": visible(line.text), "level": line.level} for line in new])

    def __panel__(self) -> pn.viewable.Viewable:
        return self._pane
