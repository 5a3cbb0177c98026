"""Smoothing and downsampling of curves."""

import numpy as np
import pytest

from dashboard.components.curve_smoothing import ExponentialSmoothing, downsample


def test_short_curves_are_not_downsampled() -> None:
    x, y = np.arange(5.0), np.array([3.0, 1, 4, 1, 5])
    assert [list(part) for part in downsample(x, y, 6)] == [list(x), list(y)]


@pytest.mark.parametrize("count", [2001, 99_991])
def test_a_downsampled_curve_keeps_spikes_and_both_ends(count: int) -> None:
    x, y = np.arange(float(count)), np.sin(np.arange(count) / 700)
    y[count // 3], y[count // 2] = 40, -40
    thin_x, thin_y = downsample(x, y, 200)
    assert len(thin_x) <= 200
    assert (thin_x[0], thin_x[-1]) == (0, count - 1)
    assert (thin_y.max(), thin_y.min()) == (40, -40)
    assert (np.diff(thin_x) > 0).all()


def test_smoothing_has_no_bias_at_the_start() -> None:
    assert ExponentialSmoothing(0.9).add(np.array([4.0, 4, 4])) == pytest.approx([4, 4, 4])


def test_smoothing_matches_the_formula() -> None:
    # (0.5 · 0.5 · 1 + 0.5 · 3) / (1 - 0.25)
    assert ExponentialSmoothing(0.5).add(np.array([1.0, 3])) == pytest.approx([1, 1.75 / 0.75])


def test_weight_zero_does_not_smooth() -> None:
    assert ExponentialSmoothing(0.0).add(np.array([2.0, 7, 1])) == pytest.approx([2, 7, 1])


@pytest.mark.parametrize("weight", [0.0, 0.9, 0.999])
def test_smoothing_in_blocks_equals_smoothing_one_by_one(weight: float) -> None:
    values, mean, total, expected = np.sin(np.arange(333.0)), 0.0, 0.0, []
    for value in values:
        mean, total = weight * mean + (1 - weight) * value, weight * total + (1 - weight)
        expected.append(mean / total)
    smoothing = ExponentialSmoothing(weight)
    cuts = [0, 0, 1, 64, 65, 192, 333]
    found = [smoothing.add(values[start:end]) for start, end in zip(cuts, cuts[1:], strict=False)]
    assert np.concatenate(found) == pytest.approx(expected)


def test_smoothing_continues_where_it_stopped() -> None:
    values, halves = np.array([3.0, 1, 4, 1, 5, 9]), ExponentialSmoothing(0.8)
    together = [*halves.add(values[:2]), *halves.add(values[2:])]
    assert together == pytest.approx(ExponentialSmoothing(0.8).add(values))
