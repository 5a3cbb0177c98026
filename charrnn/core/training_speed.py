"""Estimate the speed of a running training and the time left."""

from bisect import bisect_left
from typing import Any, Protocol

WINDOW_SECONDS = 30.0
"""Window of the averaged speed: long enough for a stable value, short enough to recover soon after a validation."""


class Numbers(Protocol):
    """A sequence or one-dimensional array of numbers."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Any: ...


def window_start(seconds: Numbers) -> int:
    """Return the index of the first measurement within the window; at least two measurements are kept.

    Args:
        seconds: Times of all measurements, ascending.
    """
    return max(0, min(bisect_left(seconds, seconds[-1] - WINDOW_SECONDS), len(seconds) - 2))


def steps_per_second(steps: Numbers, seconds: Numbers) -> float | None:
    """Return the speed over the window; `None` if there are fewer than two measurements or no progress.

    Args:
        steps: Steps of all measurements.
        seconds: Their times, ascending.
    """
    if len(steps) < 2:
        return None
    first = window_start(seconds)
    num_steps, elapsed = steps[-1] - steps[first], seconds[-1] - seconds[first]
    return float(num_steps / elapsed) if num_steps > 0 and elapsed > 0 else None


def seconds_left(*, to_last_step: float | None, to_time_limit: float | None) -> float | None:
    """Return the time until a training ends, at its last step or its time limit; `None` if unknown."""
    known = [seconds for seconds in (to_last_step, to_time_limit) if seconds is not None]
    return max(0.0, min(known)) if known else None
