"""Throttling of redraws."""

import pytest

from dashboard.live import update_throttle
from dashboard.live.update_throttle import UpdateThrottle


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(update_throttle, "time", clock)
    return clock


def times(clock: Clock, pace: UpdateThrottle, seconds: float) -> int:
    """Return how many redraws are due within some seconds, checked eight times a second."""
    count = 0
    for _ in range(round(8 * seconds)):
        count += pace.is_due()
        clock.now += 1 / 8
    return count


def test_redraws_slow_down_from_one_to_six_seconds(clock: Clock) -> None:
    pace = UpdateThrottle()
    assert times(clock, pace, 8) == 8
    times(clock, pace, 300)
    assert times(clock, pace, 60) == 10


def test_a_restart_makes_a_redraw_due(clock: Clock) -> None:
    pace = UpdateThrottle()
    times(clock, pace, 300)
    assert pace.is_due(restart=True)
    assert not pace.is_due()
    assert times(clock, pace, 9) == 8
