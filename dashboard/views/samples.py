"""Show the samples of a training, with a slider over its steps."""

import panel.ui as pui
from panel import Column

from charrnn.core.records import Sample
from dashboard.escape import escaped
from dashboard.live.model_feed import ModelHistory
from dashboard.live.session import Session
from dashboard.theme import WIDE, markup
from dashboard.views.view import View

NO_SAMPLES = '<p class="soft">No samples yet. The option <i>Sample every</i> sets how often one is generated.</p>'


class SamplesView(View):
    """The samples of the chosen model: the newest one, unless the user has moved the slider back."""

    def __init__(self, session: Session):
        super().__init__(session)
        self._history: ModelHistory | None = None
        self._samples: list[Sample] = []
        self.slider = pui.IntSlider(
            label="Sample",
            start=0,
            end=1,
            value=0,
            sizing_mode="stretch_width",
            visible=False,
            margin=(0, 10),
            show_value=False,
        )
        self.text = markup(NO_SAMPLES)
        self.slider.param.watch(lambda event: self._draw(), "value")
        self.layout = Column(self.slider, self.text, **WIDE)

    def update(self) -> None:
        """Add new samples."""
        history = self.session.history
        if history is None:
            return
        samples = [sample for sample in list(history.samples.values()) if not sample.by_user]
        samples.sort(key=lambda sample: sample.step)
        if history is self._history and len(samples) == len(self._samples):
            return
        was_at_end = history is not self._history or self.slider.value >= len(self._samples) - 1
        self._history, self._samples = history, samples
        last = max(0, len(samples) - 1)
        self.slider.param.update(
            end=max(1, last), visible=len(samples) > 1, value=last if was_at_end else min(self.slider.value, last)
        )
        self._draw()

    def _draw(self) -> None:
        if not self._samples:
            self.text.object = NO_SAMPLES
            return
        sample = self._samples[min(self.slider.value, len(self._samples) - 1)]
        number = f"{self.slider.value + 1} of {len(self._samples)}"
        self.text.object = (
            f'<p class="soft small">After step <b>{sample.step:,}</b> (sample {number}, fixed seed)</p>'
            '<div class="text sample" dir="auto" tabindex="0" role="region" aria-label="Sample">'
            f"{escaped(sample.text)}</div>"
        )
