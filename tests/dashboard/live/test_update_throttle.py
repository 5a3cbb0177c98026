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


def count_redraws(clock: Clock, throttle: UpdateThrottle, seconds: float) -> int:
    """Return how many redraws are due within some seconds, checked eight times per second."""
    count = 0
    for _ in range(round(8 * seconds)):
        count += throttle.is_due()
        clock.now += 1 / 8
    return count


def test_redraws_slow_down_from_one_to_six_seconds(clock: Clock) -> None:
    throttle = UpdateThrottle()
    assert count_redraws(clock, throttle, 8) == 8
    count_redraws(clock, throttle, 300)
    assert count_redraws(clock, throttle, 60) == 10


def test_a_restart_makes_a_redraw_due(clock: Clock) -> None:
    throttle = UpdateThrottle()
    count_redraws(clock, throttle, 300)
    assert throttle.is_due(restart=True)
    assert not throttle.is_due()
    assert count_redraws(clock, throttle, 9) == 8
