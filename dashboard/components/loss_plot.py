"""Plot training loss, validation loss and baselines with Bokeh."""

import math
from dataclasses import dataclass

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, Label, Legend, Node, Span
from bokeh.plotting import figure

from charrnn.core.baselines import Baselines
from charrnn.core.records import Curve
from dashboard.components.curve_smoothing import MAX_POINTS, ExponentialSmoothing, Numbers, downsample
from dashboard.theme import BASELINE_COLOR, TRAINING_COLOR, VALIDATION_COLOR

BASELINES = ("uniform", "unigram", "bigram", "trigram", "xz")
LOW = {"trigram", "xz"}
"""Baselines near which curves often end. Without curves, their labels are on the left, the others on the right."""
LABEL_WIDTH = 0.3
"""Width of a label on a phone, as a fraction of the frame's width."""


@dataclass(frozen=True)
class Axes:
    """Units and scales of a plot."""

    bits: bool = False
    log: bool = False
    time: bool = False
    """Whether the x axis shows minutes instead of steps."""
    smoothing: float = 0.9

    @property
    def factor(self) -> float:
        """Factor that converts nats to the unit."""
        return 1 / math.log(2) if self.bits else 1.0

    @property
    def unit(self) -> str:
        """The unit of the y axis."""
        return f"{'bits' if self.bits else 'nats'} per character"


class LossPlot:
    """A plot of training loss (raw and smoothed), validation loss and baselines.

    Args:
        axes: Units and scales, which are fixed; other ones need a new plot.
    """

    def __init__(self, axes: Axes):
        self.axes = axes
        self.sources = {name: ColumnDataSource({"x": [], "y": []}) for name in ("loss", "smooth", "val_loss")}
        self.figure = figure(
            height=340,
            sizing_mode="stretch_width",
            x_axis_label="minutes" if axes.time else "step",
            y_axis_label=axes.unit,
            y_axis_type="log" if axes.log else "linear",
            tools="pan,wheel_zoom,box_zoom,reset",
            toolbar_location="below",
            active_scroll=None,
            output_backend="canvas",
        )
        self.figure.toolbar.logo = None
        self.figure.outline_line_color = None
        self.figure.toolbar.autohide = True
        self.figure.x_range.only_visible = self.figure.y_range.only_visible = True
        self._num_shown = self._num_validations = 0
        self._smoothing = ExponentialSmoothing(axes.smoothing)
        self._start_seconds = 0.0
        self._baseline_parts: list[Span | Label] = []
        self._draw()

    def _draw(self) -> None:
        plot, sources = self.figure, self.sources
        # above the frame, where it covers neither curves nor the labels of baselines
        plot.add_layout(
            Legend(
                orientation="horizontal",
                border_line_alpha=0,
                background_fill_alpha=0,
                label_text_font_size="12px",
                padding=2,
            ),
            "above",
        )
        plot.line("x", "y", source=sources["loss"], color=TRAINING_COLOR, alpha=0.4)
        smooth = plot.line(
            "x", "y", source=sources["smooth"], color=TRAINING_COLOR, line_width=2, legend_label="training"
        )
        val = plot.line(
            "x",
            "y",
            source=sources["val_loss"],
            color=VALIDATION_COLOR,
            line_width=2,
            line_dash=[6, 3],
            legend_label="validation",
        )
        plot.scatter("x", "y", source=sources["val_loss"], color=VALIDATION_COLOR, size=5, legend_label="validation")
        where = ("time", "@x{0.0} min") if self.axes.time else ("step", "@x{0,0}")
        for renderer, name in ((smooth, "training, smoothed"), (val, "validation")):
            plot.add_tools(HoverTool(renderers=[renderer], tooltips=[where, (name, "@y{0.0000}")], mode="vline"))

    def show(self, curves: dict[str, Curve]) -> None:
        """Show curves by name; only new points are sent, until a curve is too long and has to be downsampled again."""
        training = curves.get("loss", Curve())
        if len(training):
            # Both curves share one clock, and training starts before the first validation.
            self._start_seconds = training.seconds[0]
        if len(training) > self._num_shown:
            shown = max(len(self.sources[name].data["x"]) for name in ("loss", "smooth"))
            if self._num_shown and shown + len(training) - self._num_shown <= MAX_POINTS:
                x, y = self._points(training, self._num_shown)
                for name, values in (("loss", y), ("smooth", self._smoothing.add(y))):
                    self.sources[name].stream({"x": x, "y": values})
            else:
                x, y = self._points(training)
                self._smoothing = ExponentialSmoothing(self.axes.smoothing)
                limit = MAX_POINTS if len(x) <= MAX_POINTS else MAX_POINTS // 2  # leave room for new points
                for name, values in (("loss", y), ("smooth", self._smoothing.add(y))):
                    self.sources[name].data = dict(zip("xy", downsample(x, values, limit), strict=True))
            self._num_shown = len(training)
        self._show_validation(curves.get("val_loss", Curve()))
        for label in self._baseline_parts:
            if isinstance(label, Label) and (side := self._side_with_more_room(label.y)) not in ("", label.text_align):
                label.update(x=_label_x(side), text_align=side)

    def clear(self) -> None:
        """Remove all points."""
        self._num_shown = self._num_validations = 0
        for source in self.sources.values():
            source.data = {"x": [], "y": []}

    def _show_validation(self, validation: Curve) -> None:
        if len(validation) > self._num_validations:
            x, y = downsample(*self._points(validation))
            self.sources["val_loss"].data = {"x": x, "y": y}
            self._num_validations = len(validation)

    def _points(self, curve: Curve, start: int = 0) -> tuple[Numbers, Numbers]:
        x = (curve.seconds[start:] - self._start_seconds) / 60 if self.axes.time else curve.steps[start:]
        return x, curve.values[start:] * self.axes.factor

    def show_baselines(self, baselines: Baselines | None) -> None:
        """Draw the baselines as labeled lines; `None` removes them."""
        others = [part for part in self.figure.center if part not in self._baseline_parts]
        self._baseline_parts.clear()
        if baselines is None:
            self.figure.center = others
            return
        values = {name: getattr(baselines, name) * self.axes.factor for name in BASELINES}
        for name, value in values.items():
            side = self._side_with_more_room(value) or ("left" if name in LOW else "right")
            above = _has_more_room_above(value, list(values.values()))
            self._baseline_parts += [
                Span(location=value, dimension="width", line_color=BASELINE_COLOR, line_dash=[2, 4]),
                Label(
                    x=_label_x(side),
                    y=value,
                    text_align=side,
                    text_baseline="bottom" if above else "top",
                    text=f"{name} {value:.2f}",
                    text_font_size="11px",
                    text_color=BASELINE_COLOR,
                ),
            ]
        # In one assignment, since each change of a figure on a page costs milliseconds.
        self.figure.center = [*others, *self._baseline_parts]

    def _side_with_more_room(self, value: float) -> str:
        """Return the side on which the curves are farther from a horizontal line; empty if there are no curves."""
        curves = [source.data for source in self.sources.values() if len(source.data["x"])]
        if not curves:
            return ""
        x = np.concatenate([np.asarray(curve["x"], float) for curve in curves])
        first, last = x.min(), x.max()
        distance = np.abs(np.concatenate([np.asarray(curve["y"], float) for curve in curves]) - value)
        width = LABEL_WIDTH * (last - first)
        return "left" if distance[x <= first + width].min() > distance[x >= last - width].min() else "right"


def _label_x(side: str) -> Node:
    """Return the x coordinate of a label just inside the frame."""
    return Node(target="frame", symbol=side, offset=6 if side == "left" else -6)


def _has_more_room_above(value: float, values: list[float]) -> bool:
    """Return whether the next line above a label's line is at least as far away as the next one below."""
    above = min((other - value for other in values if other > value), default=math.inf)
    below = min((value - other for other in values if other < value), default=math.inf)
    return above >= below
