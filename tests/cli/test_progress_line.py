"""The live line: speed over the last half minute, and the time that is left."""

import pytest

from charrnn.cli.progress_line import ProgressLine
from charrnn.core.training_events import Measured, Planned, Said


def heard(line, *events):
    for second, step, values in events:
        line.update(Measured(step, values), now=second)
    return line


def test_before_the_first_step_it_says_what_takes_so_long():
    line = ProgressLine(100)
    line.update(Said("corpus size 11"), now=0.0)
    assert line.text(1.0).startswith("starting")
    assert line.seconds_left(1.0) is None


def test_it_tells_losses_speed_and_time_left():
    line = heard(
        ProgressLine(100, characters=15), (10, 1, {"loss": 3.5}), (11, 5, {"val_loss": 2.25}), (12, 21, {"loss": 3.0})
    )
    assert line.steps_per_second == pytest.approx(10)
    assert line.text(12) == "━━━━──────────────── 21/100  loss 3.0000  validation 2.2500  150 characters/s  8 s left"


def test_the_speed_forgets_what_is_long_ago():
    line = heard(ProgressLine(1000), *[(second, second // 20, {"loss": 1.0}) for second in range(0, 200, 20)])
    heard(line, *[(200 + second, 10 + 2 * second, {"loss": 1.0}) for second in range(60)])
    assert line.steps_per_second == pytest.approx(2)


def test_the_time_limit_ends_it_when_it_comes_first():
    line = heard(ProgressLine(10**9, max_minutes=2), (5, 1, {"loss": 3.5}), (6, 2, {"loss": 3.5}))
    assert line.seconds_left(35) == pytest.approx(90)


def test_a_training_that_was_asked_to_stop_tells_no_time():
    line = heard(ProgressLine(9), (5, 1, {"loss": 3.5}), (6, 2, {"loss": 3.5}))
    line.is_stopping = True
    assert line.text(7).endswith("stopping")


def test_the_bar_is_full_at_the_end():
    assert heard(ProgressLine(7), (5, 7, {"loss": 3.5})).text(6).startswith("━" * 20 + " 7/7")


def test_an_end_that_the_clock_has_shown_is_told():
    line = ProgressLine(1000)
    line.update(Measured(1, {"loss": 3.0}), now=0.0)
    line.update(Planned(1, 250), now=0.0)
    line.update(Measured(2, {"loss": 2.5}), now=1.0)
    assert "2/250" in line.text(1.0)
    assert line.seconds_left(1.0) == 248
