"""A sheet that a text is written on: streams in, coloured by surprise, to go on from anywhere."""

import io
import math
from collections.abc import Callable
from typing import Any

import panel as pn
import panel.ui as pui
import param
from panel.custom import JSComponent

from dashboard.escape import escaped, visible
from dashboard.live.background_generation import Pen
from dashboard.live.session import Session
from dashboard.theme import ASSETS, markup


class WrittenPane(JSComponent):
    """A text of characters, each with its surprise and what else could have stood there."""

    label = param.String(default="Written text")
    coloured = param.Boolean(default=True)

    _esm = ASSETS / "written.js"
    _stylesheets = [(ASSETS / "written.css").read_text("utf-8")]

    def __init__(self, branch: Callable[[int, int], None], **params: Any):
        super().__init__(**params)
        self._branch = branch
        self._pen: Pen | None = None
        self._sent = 0

    def show(self, pen: Pen) -> None:
        """Show a pen's text, or what is new of it."""
        if pen is not self._pen:
            self._pen, self._sent = pen, -1
        count = pen.count
        if self._sent < 0 or (self._sent == 0 and count):
            self._send_msg({"type": "begin", "prompt": visible(pen.prompt), **_part(pen, 0, count)})
        elif count > self._sent:
            self._send_msg({"type": "more", **_part(pen, self._sent, count)})
        self._sent = count

    def _handle_msg(self, message: Any) -> None:
        if message["type"] == "drawn" and self._pen is not None:
            pen, self._pen = self._pen, None
            self.show(pen)
        elif message["type"] == "branch":
            self._branch(int(message["index"]), int(message["choice"]))


def _part(pen: Pen, start: int, end: int) -> dict[str, Any]:
    choices = [
        [[visible(choice.character), round(math.exp(choice.logprob), 4)] for choice in alternatives]
        for alternatives in pen.alternatives[start:end]
    ]
    return {
        "characters": [visible(character) for character in pen.characters[start:end]],
        "nats": [round(value, 3) for value in pen.nats[start:end]],
        "choices": choices,
    }


class Sheet(pn.viewable.Viewer):
    """One text and its pen.

    Args:
        session: Whose page it is on.
        title: What to call it.
        branch: Called with the text to go on from when somebody chose another character.
    """

    def __init__(self, session: Session, title: str, branch: Callable[[str], None]):
        super().__init__()
        self._session, self._go_on_from = session, branch
        self._wants_end: Callable[[], None] = lambda: None
        self._drawn: tuple[Any, ...] = ()
        self.pen = Pen(session.services, self._news)
        self.pane = WrittenPane(self._branch, label=title, sizing_mode="stretch_width", margin=0)
        self._status = markup()
        self._download = pui.FileDownload(
            callback=lambda: io.BytesIO(self.pen.text.encode()), filename="text.txt", label="Download", variant="text",
            size="small", margin=0,
        )  # fmt: skip
        self._layout = pn.Column(
            self.pane, pn.FlexBox(self._download, self._status, align_items="center", gap="4px 12px", margin=(4, 0)),
            margin=0, styles={"flex": "1 1 320px", "min-width": "0"},
        )  # fmt: skip

        session.on_news(self.draw)
        session.on_leave(lambda: self.pen.stop())

    def write(self, model_id: str, options: dict[str, Any], checkpoint: str, ended: Callable[[], None]) -> None:
        """Write a new text; the one before ends."""
        self.pen.stop()
        self.pen = Pen(self._session.services, self._news)
        self._wants_end = ended
        self.pen.write(model_id, options, checkpoint)
        self.draw()

    def show(self, text: str, about: str) -> None:
        """Show a text that was written earlier."""
        self.pen.stop()
        self.pen = Pen(self._session.services, self._news)
        self.pen.show(text, about)
        self.draw()

    def draw(self) -> None:
        """Show what is new of the text."""
        pen = self.pen
        now = (pen, pen.count, pen.writing, pen.about, pen.error)
        if now == self._drawn:
            return
        self._drawn = now
        self.pane.show(pen)
        mean = f", {pen.total_nats / pen.count:.2f} nats per character on average" if pen.nats else ""
        written = f"{pen.count:,} characters{mean}" if pen.count else ""
        words = ", ".join(part for part in (written, pen.about) if part)
        state = "Writing … " if pen.writing else ""
        self._status.object = f'<p class="soft small" role="status">{escaped(pen.error or state + words)}</p>'
        if not pen.writing:
            ended, self._wants_end = self._wants_end, lambda: None
            ended()

    def _news(self) -> None:
        if self._session.closing.is_set():
            self.pen.stop()
        else:
            self._session.wake()

    def _branch(self, index: int, choice: int) -> None:
        """Go on with another character; by its number, for what is shown of it may be a picture."""
        if index >= len(self.pen.alternatives) or choice >= len(self.pen.alternatives[index]):
            return  # of the text that stood here before
        character = self.pen.alternatives[index][choice].character
        self._go_on_from(self.pen.prompt + "".join(self.pen.characters[:index]) + character)

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout
