"""Curves, axes and baselines of the loss plot."""

import math

import numpy as np
import pytest
from bokeh.models import Label

from charrnn.core.baselines import Baselines
from charrnn.core.records import Curve
from dashboard.components.curve_smoothing import MAX_POINTS
from dashboard.components.loss_plot import Axes, LossPlot

BASELINES = Baselines(uniform=4.2, unigram=3.1, bigram=2.4, trigram=1.9, xz=1.8, num_characters=1000, whole=True)


def curve(count: int) -> Curve:
    steps = np.arange(1.0, count + 1)
    return Curve(steps, 5 / steps, 90 * (steps - 1))


def data(plot: LossPlot, name: str, column: str) -> list[float]:
    return list(plot.sources[name].data[column])


def test_new_points_are_appended() -> None:
    plot = LossPlot(Axes(smoothing=0))
    for count in (3, 7):
        plot.show({"loss": curve(count)})
    assert data(plot, "loss", "x") == [1, 2, 3, 4, 5, 6, 7]
    assert data(plot, "loss", "y") == data(plot, "smooth", "y") == list(curve(7).values)


@pytest.mark.parametrize("count", [MAX_POINTS + 1, 30_011])
def test_a_browser_gets_at_most_2000_points_with_the_extremes(count: int) -> None:
    long, plot = curve(count), LossPlot(Axes())
    long.values[777] = 99.0
    for shown in (10, MAX_POINTS - 1, count):
        plot.show({"loss": Curve(long.steps[:shown], long.values[:shown], long.seconds[:shown])})
    assert len(data(plot, "loss", "x")) <= MAX_POINTS
    assert max(data(plot, "loss", "y")) == 99.0
    assert data(plot, "loss", "x")[-1] == count


def test_bits_are_nats_over_ln_2() -> None:
    plot = LossPlot(Axes(bits=True))
    plot.show({"val_loss": curve(2)})
    assert data(plot, "val_loss", "y") == pytest.approx([5 / math.log(2), 2.5 / math.log(2)])
    assert plot.figure.yaxis[0].axis_label == "bits per character"


def test_time_is_in_minutes_since_the_first_training_loss() -> None:
    plot = LossPlot(Axes(time=True))
    plot.show({"loss": curve(3), "val_loss": Curve(np.array([2.0, 3]), np.array([4.0, 3.0]), np.array([120.0, 210.0]))})
    assert data(plot, "loss", "x") == [0, 1.5, 3]
    assert data(plot, "val_loss", "x") == [2, 3.5]


def test_a_cleared_plot_can_be_filled_again() -> None:
    plot = LossPlot(Axes())
    plot.show({"loss": curve(5), "val_loss": curve(2)})
    plot.clear()
    assert data(plot, "loss", "x") == data(plot, "val_loss", "x") == []
    plot.show({"loss": curve(2)})
    assert data(plot, "loss", "x") == [1, 2]


def test_baseline_labels_avoid_curves_and_each_other() -> None:
    plot = LossPlot(Axes())
    plot.show_baselines(BASELINES)
    labels = [item for item in plot.figure.center if isinstance(item, Label)]
    assert [(label.x.target, label.x.symbol, label.text_align) for label in labels] == [
        *[("frame", "right", "right")] * 3, *[("frame", "left", "left")] * 2
    ]  # fmt: skip
    sides = {label.text.rpartition(" ")[0]: label.text_baseline for label in labels}
    assert (sides["trigram"], sides["xz"]) == ("bottom", "top")


def test_defect_baseline_labels_move_away_from_crossing_curves() -> None:
    plot = LossPlot(Axes(smoothing=0))
    plot.show_baselines(BASELINES)
    label = next(item for item in plot.figure.center if isinstance(item, Label) and item.text == "trigram 1.90")
    assert label.text_align == "left"
    values = [4.0, 1.9, 1.4, 1.3, 1.2, 1.1, 1.0]
    plot.show({"loss": Curve(np.arange(1.0, 8.0), np.array(values), np.arange(7.0))})
    assert (label.text_align, label.x.symbol) == ("right", "right")
    plot.clear()
    plot.show({"loss": Curve(np.arange(1.0, 8.0), np.array([4.0, 3.9, 3.0, 2.5, 2.2, 2.0, 1.9]), np.arange(7.0))})
    assert (label.text_align, label.x.symbol) == ("left", "left")


def test_baselines_are_labeled_lines_that_can_be_removed() -> None:
    plot = LossPlot(Axes())
    before = len(plot.figure.center)
    plot.show_baselines(BASELINES)
    labels = [item.text for item in plot.figure.center[before:] if hasattr(item, "text")]
    assert labels[0] == "uniform 4.20"
    assert labels[2] == "bigram 2.40"
    plot.show_baselines(None)
    assert len(plot.figure.center) == before
