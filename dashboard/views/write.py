"""Write with a model."""

import panel as pn
import panel.ui as pui

from dashboard.escape import escaped
from dashboard.session import Session
from dashboard.theme import markup


class WriteView(pn.viewable.Viewer):
    """A prompt and a text that streams in."""

    def __init__(self, session: Session):
        super().__init__()
        self._session = session
        self._prompt = pui.TextInput(label="Prompt")
        self._write = pui.Button(label="Write", color="primary", on_click=lambda event: self._start())
        self._out = markup()
        self._layout = pn.Column(self._prompt, self._write, self._out, sizing_mode="stretch_width", margin=(16, 0))

    def _start(self) -> None:
        options, model_id = {"start_string": self._prompt.value}, self._session.model_id
        self._text = ""
        self._session.run(lambda: self._stream(model_id, options), lambda _: None, self._session.complain)

    def _stream(self, model_id: str, options: dict) -> None:
        for piece in self._session.services.writing.stream(model_id, options):
            self._text += piece.text
            self._session.post(self._show)

    def _show(self) -> None:
        self._out.object = f'<div class="text" dir="auto">{escaped(self._text)}</div>'

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout
