"""The loss, live."""

import panel as pn
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure

from dashboard.hub import Story
from dashboard.session import Session
from dashboard.theme import TRAINING_COLOR, VALIDATION_COLOR


class LossView(pn.viewable.Viewer):
    """Training and validation loss of the chosen model."""

    def __init__(self, session: Session):
        super().__init__()
        self._session = session
        self._story: Story | None = None
        self._sources = {name: ColumnDataSource({"x": [], "y": []}) for name in ("loss", "val_loss")}
        plot = figure(height=340, sizing_mode="stretch_width", x_axis_label="step", y_axis_label="nats per character")
        plot.line("x", "y", source=self._sources["loss"], color=TRAINING_COLOR)
        plot.line("x", "y", source=self._sources["val_loss"], color=VALIDATION_COLOR, line_width=2)
        self._pane = pn.pane.Bokeh(plot, sizing_mode="stretch_width")
        session.on_news(self._show)

    def _show(self) -> None:
        story = self._session.feed.story if self._session.feed else None
        if story is None:
            return
        if story is not self._story:
            self._story = story
            for source in self._sources.values():
                source.data = {"x": [], "y": []}
        for name, source in self._sources.items():
            series = story.series.get(name)
            known = len(source.data["x"])
            if series and len(series.steps) > known:
                end = len(series.steps)
                source.stream({"x": series.steps[known:end], "y": series.values[known:end]})

    def __panel__(self) -> pn.viewable.Viewable:
        return self._pane
