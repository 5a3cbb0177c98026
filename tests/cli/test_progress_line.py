"""Test the progress line: speed over the last half minute and time left."""

import pytest

from charrnn.cli.progress_line import ProgressLine
from charrnn.core.training_events import LogMessage, MetricsMeasured, SchedulePlanned


def updated(line, *events):
    for second, step, values in events:
        line.update(MetricsMeasured(step, values), now=second)
    return line


def test_the_line_explains_the_wait_before_the_first_step():
    line = ProgressLine(100)
    line.update(LogMessage("corpus size 11"), now=0.0)
    assert line.text(1.0).startswith("starting")
    assert line.seconds_left(1.0) is None


def test_the_line_contains_losses_speed_and_time_left():
    line = updated(
        ProgressLine(100, characters=15), (10, 1, {"loss": 3.5}), (11, 5, {"val_loss": 2.25}), (12, 21, {"loss": 3.0})
    )
    assert line.steps_per_second == pytest.approx(10)
    assert line.text(12) == "━━━━──────────────── 21/100  loss 3.0000  validation 2.2500  150 characters/s  8 s left"


def test_the_speed_is_averaged_over_the_last_half_minute():
    line = updated(ProgressLine(1000), *[(second, second // 20, {"loss": 1.0}) for second in range(0, 200, 20)])
    updated(line, *[(200 + second, 10 + 2 * second, {"loss": 1.0}) for second in range(60)])
    assert line.steps_per_second == pytest.approx(2)


def test_the_time_left_ends_at_the_time_limit_when_it_comes_first():
    line = updated(ProgressLine(10**9, max_minutes=2), (5, 1, {"loss": 3.5}), (6, 2, {"loss": 3.5}))
    assert line.seconds_left(35) == pytest.approx(90)


def test_no_time_left_is_shown_while_stopping():
    line = updated(ProgressLine(9), (5, 1, {"loss": 3.5}), (6, 2, {"loss": 3.5}))
    line.is_stopping = True
    assert line.text(7).endswith("stopping")


def test_the_bar_is_full_at_the_end():
    assert updated(ProgressLine(7), (5, 7, {"loss": 3.5})).text(6).startswith("━" * 20 + " 7/7")


def test_a_fitted_last_step_replaces_the_planned_one():
    line = ProgressLine(1000)
    line.update(MetricsMeasured(1, {"loss": 3.0}), now=0.0)
    line.update(SchedulePlanned(1, 250), now=0.0)
    line.update(MetricsMeasured(2, {"loss": 2.5}), now=1.0)
    assert "2/250" in line.text(1.0)
    assert line.seconds_left(1.0) == 248
