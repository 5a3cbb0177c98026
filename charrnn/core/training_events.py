"""Define the events that a training emits: log messages, metrics, samples, checkpoints, its schedule and its end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from charrnn.core.records import ModelState


@dataclass(frozen=True)
class LogMessage:
    """A log line, without a line break."""

    text: str
    level: str = "info"


@dataclass(frozen=True)
class MetricsMeasured:
    """Metrics of a step, by name; losses in nats per character."""

    step: int
    values: dict[str, float]


@dataclass(frozen=True)
class SampleGenerated:
    """A sample generated during training."""

    step: int
    text: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckpointSaved:
    """A checkpoint is complete on disk."""

    step: int
    kind: str
    loss: float | None
    folder: str
    size_bytes: int


@dataclass(frozen=True)
class SchedulePlanned:
    """The end of the schedule was fitted to the time budget."""

    step: int
    total_steps: int


@dataclass(frozen=True)
class TrainingEnded:
    """The training ended; `message` is empty unless it failed."""

    step: int
    state: ModelState
    message: str = ""


Event = LogMessage | MetricsMeasured | SampleGenerated | CheckpointSaved | SchedulePlanned | TrainingEnded
Listener = Callable[[Event], None]
