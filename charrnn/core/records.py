"""What the store hands out: plain frozen records, never database rows. Times are naive UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

LONGEST_NAME = 200
"""Characters of a model's name, and of its owner's."""
LONGEST_NOTES = 100_000
"""Characters of a model's notes."""


class ModelState(StrEnum):
    """Where a model is in its life.

    draft → ready → queued → training → (stopping) → stopped | completed | failed | interrupted
    """

    DRAFT = "draft"
    """Has a name, but no text yet."""
    READY = "ready"
    """Has a text; was never trained."""
    QUEUED = "queued"
    """Waits for a worker."""
    TRAINING = "training"
    """A worker holds the lease."""
    STOPPING = "stopping"
    """Somebody asked it to stop; the worker saves and ends after the step under way."""
    STOPPED = "stopped"
    """Ended on request, with a checkpoint to go on from."""
    COMPLETED = "completed"
    """The last step was done, or a limit that the options set was reached."""
    FAILED = "failed"
    """Ended by an error; `Model.error` says which and what to do."""
    INTERRUPTED = "interrupted"
    """The worker died or was told to leave; training can resume."""


ACTIVE = frozenset({ModelState.QUEUED, ModelState.TRAINING, ModelState.STOPPING})
"""States in which a training is under way."""

STARTABLE = frozenset(
    {ModelState.READY, ModelState.STOPPED, ModelState.COMPLETED, ModelState.FAILED, ModelState.INTERRUPTED}
)
"""States from which a training may be queued."""


@dataclass(frozen=True)
class Corpus:
    """A text, stored once under the SHA-256 of its bytes (UTF-8, after decoding and line-end normalisation)."""

    id: str
    name: str
    size_bytes: int
    num_characters: int
    num_distinct: int
    num_lines: int
    encoding: str
    """Encoding that the text was read from."""
    newlines: str
    """Line ends found in it: `lf`, `crlf`, `cr`, `mixed` or `none`."""
    created_at: datetime


@dataclass(frozen=True)
class Model:
    """The user's named thing: a corpus, options, a training history, checkpoints."""

    id: str
    name: str
    state: ModelState
    created_at: datetime
    updated_at: datetime
    train_params: Mapping[str, Any] = field(default_factory=dict)
    sample_params: Mapping[str, Any] = field(default_factory=dict)
    corpus_id: str | None = None
    owner: str = ""
    """Who the model belongs to when logins are on; empty otherwise."""
    notes: str = ""
    tags: tuple[str, ...] = ()
    epoch: int = 0
    """Fencing token: counts the trainings of this model; a write with an older one is refused."""
    worker: str = ""
    """Who holds the lease, or held it when it ran out, as `host:pid:token:table:start`; empty when nobody does."""
    lease_until: datetime | None = None
    stop_requested: bool = False
    step: int = 0
    best_loss: float | None = None
    """Lowest validation loss in nats per character (training loss where there is no validation split)."""
    log_position: int = 0
    """Number of log lines so far."""
    error: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    deleted_at: datetime | None = None
    cpu: str | None = None
    """CPU of the latest training, as returned by `charrnn.core.cpu_features.cpu_name`; `None` before the first training
    and for trainings of versions that did not record it."""


@dataclass(frozen=True)
class LogLine:
    """One line of a model's log; `position` counts from 1 without gaps."""

    position: int
    text: str
    level: str = "info"
    time: datetime | None = None


@dataclass(frozen=True)
class Metric:
    """One measured value at one step (`loss`, `val_loss`, `learning_rate`, `grad_norm`, `chars_per_second`)."""

    step: int
    name: str
    value: float
    time: datetime | None = None


def _nothing() -> npt.NDArray[np.float64]:
    return np.empty(0)


@dataclass(frozen=True, eq=False)
class Curve:
    """The measured values of one name, in order of steps; each array has shape `(values,)`.

    Arrays rather than records, because a long training has a hundred thousand of them.
    """

    steps: npt.NDArray[np.float64] = field(default_factory=_nothing)
    values: npt.NDArray[np.float64] = field(default_factory=_nothing)
    seconds: npt.NDArray[np.float64] = field(default_factory=_nothing)
    """Time of each value, in seconds since 1970."""

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def last_step(self) -> int:
        """Step of the last value; -1 when there is none."""
        return int(self.steps[-1]) if len(self) else -1

    def then(self, later: "Curve") -> "Curve":
        """Return this curve and the values that came later."""
        if not len(later):
            return self
        return Curve(*(np.concatenate(both) for both in zip(self._arrays, later._arrays, strict=True)))

    @property
    def _arrays(self) -> tuple[npt.NDArray[np.float64], ...]:
        return self.steps, self.values, self.seconds


@dataclass(frozen=True)
class Checkpoint:
    """A folder from which training goes on exactly, or text is written."""

    id: str
    model_id: str
    step: int
    kind: str
    """`last` (newest) or `best` (lowest validation loss)."""
    loss: float | None
    folder: str
    """Folder name below the model's checkpoint folder; made from ids and the step only."""
    size_bytes: int
    created_at: datetime


@dataclass(frozen=True)
class Sample:
    """A text written by a model, with the options and seed that made it."""

    id: str
    model_id: str
    step: int
    text: str
    options: Mapping[str, Any]
    created_at: datetime
    by_user: bool = False
    """Written because somebody asked for it, not by a training on its way."""
