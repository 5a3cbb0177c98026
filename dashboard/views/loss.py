"""The loss of a model, live, and how it is shown."""

import io
import math

import panel as pn
import panel.ui as pui

from charrnn.core.baselines import Baselines
from charrnn.services.bundle_history import metrics_csv
from dashboard.components.html_pane import Live
from dashboard.components.loss_plot import Axes, LossPlot
from dashboard.live.model_feed import Story
from dashboard.live.session import Session

SAVE = """
const view = Bokeh.index.find_one(plot)
view.export(kind).to_blob().then((blob) => {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(blob)
  link.download = "loss." + kind
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
})
"""


class LossView(pn.viewable.Viewer):
    """Training and validation loss of the chosen model."""

    def __init__(self, session: Session):
        super().__init__()
        self._session = session
        self._story: Story | None = None
        self._drawn: tuple[int, ...] = ()
        self._baselines: dict[str, Baselines | None] = {}
        small = {"size": "small", "margin": 0}
        self._unit = pui.Select(label="Unit", options={"nats": False, "bits": True}, value=False, width=100, **small)
        self._scale = pui.Select(label="Scale", options={"linear": False, "log": True}, value=False, width=110, **small)
        self._over = pui.Select(label="Over", options={"steps": False, "time": True}, value=False, width=110, **small)
        self._smoothing = pui.FloatSlider(
            label="Smoothing", start=0, end=0.99, step=0.01, value=0.9, width=140, margin=0
        )
        self._guessers = pui.Switch(label="Baselines", value=True, margin=(4, 0))
        self._csv = pui.FileDownload(callback=self._file, filename="metrics.csv", label="CSV", variant="text", **small)
        self._png, self._svg = (pui.Button(label=kind, variant="text", **small) for kind in ("PNG", "SVG"))
        self._summary = Live()
        self._plot = LossPlot(self._axes)
        self._pane = pn.pane.Bokeh(self._plot.figure, sizing_mode="stretch_width", min_height=340, margin=0)
        for widget in (self._unit, self._scale, self._over, self._guessers):
            widget.param.watch(lambda event: self._redraw(), "value")
        self._smoothing.param.watch(lambda event: self._redraw(), "value_throttled")
        self._offer_pictures()
        bar = pn.FlexBox(
            self._unit, self._scale, self._over, self._smoothing, self._guessers,
            pn.Row(self._csv, self._png, self._svg, margin=0),
            align_items="center", gap="10px 14px", margin=(0, 0, 6, 0),
        )  # fmt: skip
        self._layout = pn.Column(bar, self._pane, self._summary, sizing_mode="stretch_width", margin=0)
        session.on_news(self._show)

    @property
    def _axes(self) -> Axes:
        return Axes(self._unit.value, self._scale.value, self._over.value, self._smoothing.value)

    def _redraw(self) -> None:
        self._plot = LossPlot(self._axes)
        self._pane.object = self._plot.figure
        self._offer_pictures()
        self._drawn = ()
        self._show()
        self._show_baselines()

    def _offer_pictures(self) -> None:
        for button, kind in ((self._png, "png"), (self._svg, "svg")):
            button.js_on_click(args={"plot": self._plot.figure, "kind": kind}, code=SAVE)

    def _show(self) -> None:
        story = self._session.feed.story if self._session.feed else None
        if story is None:
            return
        if story is not self._story:
            self._story, self._drawn = story, ()
            self._plot.clear()
            self._measure(story.model.corpus_id)
        lengths = tuple(len(curve) for curve in story.curves.values())
        if lengths != self._drawn:
            self._drawn = lengths
            self._plot.show(story.curves)
            self._sum_up(story)

    def _sum_up(self, story: Story) -> None:
        """Say in words what the picture shows, for those who cannot see it and those who wonder what it means."""
        words = []
        for name, curve in (("training", story.curves["loss"]), ("validation", story.curves["val_loss"])):
            if len(curve):
                last, best = curve.values[-1], curve.values.min()
                words.append(f"<b>{name}</b> {last:.3f} nats ({last / math.log(2):.3f} bits), lowest {best:.3f}")
        meaning = (
            "Lower is better: the loss is how surprised the network is by the next character. Below a dashed line it "
            "beats that simple guesser. When validation rises while training falls, it learns by heart."
        )
        self._summary.show(f'<p class="soft small">{"; ".join(words)}. {meaning}</p>' if words else "")

    def _measure(self, corpus_id: str | None) -> None:
        """Have baselines measured, once a text."""
        if corpus_id is None or corpus_id in self._baselines:
            self._show_baselines()
            return
        self._baselines[corpus_id] = None

        def measured(baselines: Baselines) -> None:
            self._baselines[corpus_id] = baselines
            self._show_baselines()

        self._session.run(lambda: self._session.hub.baselines(corpus_id), measured, self._session.complain)

    def _show_baselines(self) -> None:
        corpus_id = self._story.model.corpus_id if self._story else None
        self._plot.show_baselines(self._baselines.get(corpus_id or "") if self._guessers.value else None)

    def _file(self) -> io.BytesIO:
        metrics = self._session.services.models.metrics(self._session.model_id)
        return io.BytesIO(metrics_csv(metrics).encode())

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout
