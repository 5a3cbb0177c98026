"""The live line below the log: how far a training is, its losses, its speed, how long it will take."""

import time
from collections import deque

from rich.text import Text

from charrnn.core import formatting
from charrnn.core.training_events import Event, MetricsMeasured, SchedulePlanned

WINDOW_SECONDS = 30.0
"""Speed is the mean over this time: steady to look at, and soon right after a pause for validation."""
BAR = 20


class ProgressLine:
    """What is known about a training under way; `rich` draws it anew several times a second.

    Args:
        total_steps: Step at which the training is complete.
        max_minutes: Time limit of the training, 0 for none.
        characters: How many characters one step reads.
    """

    def __init__(self, total_steps: int, *, max_minutes: float = 0, characters: int = 1):
        self._total, self._characters = total_steps, characters
        self._seconds_allowed = 60 * max_minutes
        self._times: deque[tuple[float, int]] = deque()
        self._began: float | None = None
        self._losses: dict[str, float] = {}
        self.ending = False
        """Set when it was asked to stop."""

    def hear(self, event: Event, now: float | None = None) -> None:
        """Take an event in; `now` is in seconds of a clock that never goes back."""
        if isinstance(event, SchedulePlanned):
            self._total = event.total_steps
        if not isinstance(event, MetricsMeasured):
            return
        now = time.monotonic() if now is None else now
        self._began = now if self._began is None else self._began
        self._losses |= {name: event.values[name] for name in ("loss", "val_loss") if name in event.values}
        self._times.append((now, event.step))
        while now - self._times[0][0] > WINDOW_SECONDS and len(self._times) > 2:
            self._times.popleft()

    @property
    def steps_per_second(self) -> float | None:
        """Speed over the last half minute; `None` before two steps were heard of."""
        if not self._times:
            return None
        (first, from_step), (last, to_step) = self._times[0], self._times[-1]
        return (to_step - from_step) / (last - first) if last > first and to_step > from_step else None

    def seconds_left(self, now: float) -> float | None:
        """Time until the last step or the time limit; `None` when it cannot be told yet."""
        ends = []
        if speed := self.steps_per_second:
            ends.append((self._total - self._times[-1][1]) / speed - (now - self._times[-1][0]))
        if self._seconds_allowed and self._began is not None:
            ends.append(self._began + self._seconds_allowed - now)
        return max(0.0, min(ends)) if ends else None

    def text(self, now: float) -> str:
        """Return the line."""
        if not self._times:
            return "starting: TensorFlow loads, then the network is compiled; the first step takes a few seconds"
        step = self._times[-1][1]
        done = min(BAR, BAR * step // self._total)
        parts = [f"{'━' * done}{'─' * (BAR - done)} {step:,}/{self._total:,}", f"loss {self._losses['loss']:.4f}"]
        if "val_loss" in self._losses:
            parts.append(f"validation {self._losses['val_loss']:.4f}")
        if speed := self.steps_per_second:
            parts.append(f"{speed * self._characters:,.0f} characters/s")
        left = self.seconds_left(now)
        if self.ending:
            parts.append("stopping")
        elif left is not None:
            parts.append(f"{formatting.duration(left)} left")
        return "  ".join(parts)

    def __rich__(self) -> Text:
        return Text(self.text(time.monotonic()), "cyan", no_wrap=True, overflow="ellipsis")
