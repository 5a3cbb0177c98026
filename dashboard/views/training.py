"""A training: start, stop, resume; how far it is; its loss, samples and log."""

import panel as pn
import panel.ui as pui

from dashboard.escape import escaped, visible
from dashboard.session import Session
from dashboard.theme import markup
from dashboard.views.log import LogView
from dashboard.views.loss import LossView


class TrainingView(pn.viewable.Viewer):
    """The chosen model's training."""

    def __init__(self, session: Session):
        super().__init__()
        self._session = session
        self._head = markup()
        self._stop = pui.Button(label="Stop", on_click=lambda event: self._do_stop())
        self._sample = markup()
        self._layout = pn.Column(
            self._head, self._stop, LossView(session), self._sample, LogView(session),
            sizing_mode="stretch_width", margin=(16, 0),
        )  # fmt: skip
        session.on_news(self._show)

    def _show(self) -> None:
        model = self._session.model
        if model is None:
            return
        self._head.object = f"<h2>{escaped(model.name)}</h2>{model.state} {model.step}"
        self._stop.visible = self._session.is_training
        samples = self._session.feed.story.samples
        if samples:
            text = list(samples.values())[-1].text
            self._sample.object = f'<div class="text" dir="auto">{escaped(visible(text))}</div>'

    def _do_stop(self) -> None:
        self._session.guarded(lambda: self._session.services.training.stop(self._session.model_id))
        self._session.hub.hurry()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout
