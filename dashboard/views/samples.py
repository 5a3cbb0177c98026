"""What a training wrote on its way: a time line from noise to words."""

import panel as pn
import panel.ui as pui

from charrnn.core.records import Sample
from dashboard.escape import escaped
from dashboard.live.model_feed import Story
from dashboard.live.session import Session
from dashboard.theme import markup


class SamplesView(pn.viewable.Viewer):
    """One of the samples at a time; the newest, until somebody goes back."""

    def __init__(self, session: Session):
        super().__init__()
        self._session = session
        self._story: Story | None = None
        self._samples: list[Sample] = []
        self._slider = pui.IntSlider(
            label="Sample", start=0, end=1, value=0, sizing_mode="stretch_width", visible=False, margin=(0, 10),
            show_value=False,
        )  # fmt: skip
        self._text = markup(NOTHING)
        self._slider.param.watch(lambda event: self._draw(), "value")
        self._layout = pn.Column(self._slider, self._text, sizing_mode="stretch_width", margin=0)
        session.on_news(self._show)

    def _show(self) -> None:
        story = self._session.feed.story if self._session.feed else None
        if story is None:
            return
        samples = sorted(
            (sample for sample in list(story.samples.values()) if not sample.by_user), key=lambda s: s.step
        )
        if story is self._story and len(samples) == len(self._samples):
            return
        follows = story is not self._story or self._slider.value >= len(self._samples) - 1
        self._story, self._samples = story, samples
        last = max(0, len(samples) - 1)
        self._slider.param.update(
            end=max(1, last), visible=len(samples) > 1, value=last if follows else min(self._slider.value, last)
        )
        self._draw()

    def _draw(self) -> None:
        if not self._samples:
            self._text.object = NOTHING
            return
        sample = self._samples[min(self._slider.value, len(self._samples) - 1)]
        number = f"{self._slider.value + 1} of {len(self._samples)}"
        self._text.object = (
            f'<p class="soft small">After step <b>{sample.step:,}</b> (sample {number}; the same seed every time)</p>'
            f'<div class="text" dir="auto">{escaped(sample.text)}</div>'
        )

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout


NOTHING = '<p class="soft">No sample yet: one is written every <i>sample every</i> steps.</p>'
