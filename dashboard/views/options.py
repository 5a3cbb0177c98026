"""Options of a new model, and the button that trains it."""

import panel as pn
import panel.ui as pui

from charrnn.core.options import presets
from charrnn.core.records import Model
from dashboard.session import Session


class OptionsView(pn.viewable.Viewer):
    """Choose a preset and train."""

    def __init__(self, session: Session):
        super().__init__()
        self._session = session
        self._preset = pui.Select(label="Preset", options={p.title: p.name for p in presets().values()}, value="quick")
        self._train = pui.Button(label="Train", color="primary", on_click=lambda event: self._start())
        self._layout = pn.Column(self._preset, self._train, sizing_mode="stretch_width", margin=(16, 0))

    def _start(self) -> None:
        self._train.disabled = True
        corpus, preset = self._session.corpus, self._preset.value
        self._session.run(
            lambda: self._session.services.training.start(corpus, preset=preset), self._started, self._failed
        )

    def _started(self, model: Model) -> None:
        self._train.disabled = False
        self._session.choose(model, "training")

    def _failed(self, words: str) -> None:
        self._train.disabled = False
        self._session.complain(words)

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout
