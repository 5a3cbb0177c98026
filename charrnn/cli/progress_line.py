"""Display the progress of a training in one line: step, losses, speed and time left."""

import time

from rich.text import Text

from charrnn.core import formatting, training_speed
from charrnn.core.training_events import Event, MetricsMeasured, SchedulePlanned

BAR_WIDTH = 20


class ProgressLine:
    """The progress of a running training; `rich` renders it several times per second.

    Args:
        total_steps: Step at which the training is complete.
        max_minutes: Time limit of the training, 0 for none.
        characters: Characters per step.
    """

    def __init__(self, total_steps: int, *, max_minutes: float = 0, characters: int = 1):
        self._total, self._characters = total_steps, characters
        self._time_limit = 60 * max_minutes
        self._seconds: list[float] = []
        self._steps: list[int] = []
        self._started: float | None = None
        self._losses: dict[str, float] = {}
        self.waiting = ""
        """Set while the training waits: its place in the queue."""
        self.is_stopping = False
        """Set when a stop was requested."""

    def update(self, event: Event, now: float | None = None) -> None:
        """Process an event; `now` is the time in seconds of a monotonic clock."""
        if isinstance(event, SchedulePlanned):
            self._total = event.total_steps
        if not isinstance(event, MetricsMeasured):
            return
        now = time.monotonic() if now is None else now
        self._started = now if self._started is None else self._started
        self._losses |= {name: event.values[name] for name in ("loss", "val_loss") if name in event.values}
        self._seconds.append(now)
        self._steps.append(event.step)
        first = training_speed.window_start(self._seconds)
        del self._seconds[:first], self._steps[:first]

    @property
    def steps_per_second(self) -> float | None:
        """Speed over the last half minute; `None` before two steps were measured."""
        return training_speed.steps_per_second(self._steps, self._seconds)

    def seconds_left(self, now: float) -> float | None:
        """Return the time until the last step or the time limit; `None` if it is not known yet."""
        speed = self.steps_per_second
        to_last_step = (self._total - self._steps[-1]) / speed - (now - self._seconds[-1]) if speed else None
        to_time_limit = None
        if self._time_limit and self._started is not None:
            to_time_limit = self._started + self._time_limit - now
        return training_speed.seconds_left(to_last_step=to_last_step, to_time_limit=to_time_limit)

    def text(self, now: float) -> str:
        """Return the line."""
        if self.waiting:
            return self.waiting
        if not self._steps:
            return "starting: loading TensorFlow and compiling the network; the first step takes a few seconds"
        step = self._steps[-1]
        done = min(BAR_WIDTH, BAR_WIDTH * step // self._total)
        parts = [
            f"{'━' * done}{'─' * (BAR_WIDTH - done)} {step:,}/{self._total:,}",
            f"loss {self._losses['loss']:.4f}",
        ]
        if "val_loss" in self._losses:
            parts.append(f"validation {self._losses['val_loss']:.4f}")
        if speed := self.steps_per_second:
            parts.append(f"{speed * self._characters:,.0f} characters/s")
        seconds_left = self.seconds_left(now)
        if self.is_stopping:
            parts.append("stopping")
        elif seconds_left is not None:
            parts.append(f"{formatting.duration(seconds_left)} left")
        return "  ".join(parts)

    def __rich__(self) -> Text:
        return Text(self.text(time.monotonic()), "cyan", no_wrap=True, overflow="ellipsis")
