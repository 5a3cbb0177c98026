"""Show a live plot of the loss of a training, with controls for units, scales and downloads."""

import io
import math

import panel as pn
import panel.ui as pui

from charrnn.core.baselines import Baselines
from charrnn.services.bundle_history_writer import metrics_csv
from dashboard.components.html_pane import HTMLPane
from dashboard.components.loss_plot import Axes, LossPlot
from dashboard.live.model_feed import ModelHistory
from dashboard.live.session import Session
from dashboard.theme import SMALL, WIDE
from dashboard.views.view import View

SAVE_IMAGE = """
const view = Bokeh.index.find_one(plot)
view.export(kind).to_blob().then((blob) => {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(blob)
  link.download = "loss." + kind
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
})
"""
EXPLANATION = (
    "Lower is better: the loss is the cross-entropy of the next character. Below a dashed line, the model beats that "
    "baseline. If validation loss rises while training loss falls, it is memorizing (overfitting)."
)


class LossView(View):
    """Training and validation loss of the chosen model."""

    def __init__(self, session: Session):
        super().__init__(session)
        self._history: ModelHistory | None = None
        self._baselines: dict[str, Baselines | None] = {}
        self.unit = pui.Select(label="Unit", options={"nats": False, "bits": True}, value=False, width=100, **SMALL)
        self.scale = pui.Select(label="Y axis", options={"linear": False, "log": True}, value=False, width=110, **SMALL)
        self.x_axis = pui.Select(label="X axis", options={"step": False, "time": True}, value=False, width=110, **SMALL)
        self.smoothing = pui.FloatSlider(
            label="Smoothing", start=0, end=0.99, step=0.01, value=0.9, width=140, margin=0
        )
        self.baselines = pui.Switch(label="Baselines", value=True, margin=(4, 0))
        self.csv = pui.FileDownload(callback=self._file, filename="metrics.csv", label="CSV", variant="text", **SMALL)
        self.png, self.svg = (pui.Button(label=kind, variant="text", **SMALL) for kind in ("PNG", "SVG"))
        self.summary = HTMLPane()
        self._plot = LossPlot(self._axes)
        self._pane = pn.pane.Bokeh(self._plot.figure, sizing_mode="stretch_width", min_height=340, margin=0)
        for widget in (self.unit, self.scale, self.x_axis, self.baselines):
            widget.param.watch(lambda event: self._redraw(), "value")
        self.smoothing.param.watch(lambda event: self._redraw(), "value_throttled")
        self._connect_image_buttons()
        bar = pn.FlexBox(
            self.unit,
            self.scale,
            self.x_axis,
            self.smoothing,
            self.baselines,
            pn.Row(self.csv, self.png, self.svg, margin=0),
            align_items="center",
            gap="10px 14px",
            margin=(6, 0),
        )
        self.layout = pn.Column(self._pane, bar, self.summary, **WIDE)

    @property
    def _axes(self) -> Axes:
        return Axes(self.unit.value, self.scale.value, self.x_axis.value, self.smoothing.value)

    def _redraw(self) -> None:
        self._plot = LossPlot(self._axes)
        self._pane.object = self._plot.figure
        self._connect_image_buttons()
        self.invalidate()
        self.update()
        self._show_baselines()

    def _connect_image_buttons(self) -> None:
        for button, kind in ((self.png, "png"), (self.svg, "svg")):
            button.js_on_click(args={"plot": self._plot.figure, "kind": kind}, code=SAVE_IMAGE)

    def update(self) -> None:
        """Add new points."""
        history = self.session.history
        if history is None:
            return
        if history is not self._history:
            self._history = history
            self.invalidate()
            self._plot.clear()
            self._request_baselines(history.model.corpus_id)
        lengths = tuple(len(curve) for curve in history.curves.values())
        self.if_changed(lengths, lambda: self._draw(history))

    def _draw(self, history: ModelHistory) -> None:
        self._plot.show(history.curves)
        parts = []
        for name, curve in (("training", history.curves["loss"]), ("validation", history.curves["val_loss"])):
            if len(curve):
                last, lowest = curve.values[-1], curve.values.min()
                parts.append(f"<b>{name}</b> {last:.3f} nats ({last / math.log(2):.3f} bits), lowest {lowest:.3f}")
        self.summary.show(f'<p class="soft small">{"; ".join(parts)}. {EXPLANATION}</p>' if parts else "")

    def _request_baselines(self, corpus_id: str | None) -> None:
        """Compute the baselines of a corpus in the background, unless they are known."""
        if corpus_id is None or corpus_id in self._baselines:
            self._show_baselines()
            return
        self._baselines[corpus_id] = None

        def done(baselines: Baselines) -> None:
            self._baselines[corpus_id] = baselines
            self._show_baselines()

        self.session.run(lambda: self.session.hub.baselines(corpus_id), done, self.session.show_error)

    def _show_baselines(self) -> None:
        corpus_id = self._history.model.corpus_id if self._history else None
        self._plot.show_baselines(self._baselines.get(corpus_id or "") if self.baselines.value else None)

    def _file(self) -> io.BytesIO:
        metrics = self.session.services.models.metrics(self.session.model_id)
        return io.BytesIO(metrics_csv(metrics).encode())
