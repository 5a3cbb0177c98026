"""What a training says while it runs. The trainer tells events; the recorder stores them; anybody may listen.

Knows nothing of TensorFlow, databases or pages, so that each side can be tested with a plain list.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from charrnn.core.records import ModelState


@dataclass(frozen=True)
class Said:
    """A log line, without a line end."""

    text: str
    level: str = "info"


@dataclass(frozen=True)
class Measured:
    """Values measured at a step, by name; losses in nats per character."""

    step: int
    values: dict[str, float]


@dataclass(frozen=True)
class Wrote:
    """A sample written during training."""

    step: int
    text: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Saved:
    """A checkpoint is complete on disk."""

    step: int
    kind: str
    loss: float | None
    folder: str
    size_bytes: int


@dataclass(frozen=True)
class Planned:
    """The clock has shown at which step the schedule ends."""

    step: int
    total_steps: int


@dataclass(frozen=True)
class Ended:
    """The training is over; `message` is empty unless it failed."""

    step: int
    state: ModelState
    message: str = ""


Event = Said | Measured | Wrote | Saved | Planned | Ended
Listener = Callable[[Event], None]
