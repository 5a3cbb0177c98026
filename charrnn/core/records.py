"""Define the immutable records that the store returns. Times are naive UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

MAX_NAME_LENGTH = 200
"""Maximum length of the names of models and owners, in characters."""
MAX_NOTES_LENGTH = 100_000
"""Maximum length of a model's notes, in characters."""


class ModelState(StrEnum):
    """The states of a model.

    draft → ready → queued → training → (stopping) → stopped | completed | failed | interrupted
    """

    DRAFT = "draft"
    """The model has no text yet."""
    READY = "ready"
    """The model has a text, but was never trained."""
    QUEUED = "queued"
    """The training waits until enough processors and memory are free."""
    TRAINING = "training"
    """A worker holds the lease and trains the model."""
    STOPPING = "stopping"
    """A stop was requested; the worker saves a checkpoint and ends after the current step."""
    STOPPED = "stopped"
    """The training ended on request, with a checkpoint to resume from."""
    COMPLETED = "completed"
    """The training completed its last step, reached another limit, or was ended by early stopping."""
    FAILED = "failed"
    """The training ended with an error; `Model.error` has the message."""
    INTERRUPTED = "interrupted"
    """The worker's process ended or stopped responding; the training can be resumed."""


ACTIVE = frozenset({ModelState.QUEUED, ModelState.TRAINING, ModelState.STOPPING})
"""States of a model with a training in progress."""

STARTABLE = frozenset(
    {ModelState.READY, ModelState.STOPPED, ModelState.COMPLETED, ModelState.FAILED, ModelState.INTERRUPTED}
)
"""States from which a training may be queued."""


@dataclass(frozen=True)
class Corpus:
    """A text; its id is the SHA-256 of its UTF-8 bytes, after line endings were normalized."""

    id: str
    name: str
    size_bytes: int
    num_characters: int
    num_distinct: int
    num_lines: int
    encoding: str
    """Encoding of the imported file."""
    newlines: str
    """Line endings of the imported file: `lf`, `crlf`, `cr`, `mixed` or `none`."""
    created_at: datetime


@dataclass(frozen=True)
class Model:
    """A model: a name with a corpus, options, a training history and checkpoints."""

    id: str
    name: str
    state: ModelState
    created_at: datetime
    updated_at: datetime
    train_params: Mapping[str, Any] = field(default_factory=dict)
    corpus_id: str | None = None
    owner: str = ""
    """The user that the model belongs to, if logins are enabled; empty otherwise."""
    notes: str = ""
    tags: tuple[str, ...] = ()
    epoch: int = 0
    """Fencing token, incremented by each training of this model; writes with an older one are rejected."""
    worker: str = ""
    """Worker that holds the lease, or held it when it expired, as `host:pid:token:table:start`; in a queued model, the
    process for which the training is reserved; otherwise empty."""
    lease_until: datetime | None = None
    stop_requested: bool = False
    step: int = 0
    best_loss: float | None = None
    """Lowest validation loss in nats per character (training loss if there is no validation split)."""
    log_position: int = 0
    """Position of the last log line."""
    error: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    deleted_at: datetime | None = None
    cpu: str | None = None
    """CPU of the latest training, as returned by `charrnn.core.cpu_info.cpu_name`; `None` before the first training
    and for trainings by versions that did not record it."""
    queued_at: datetime | None = None
    """When the latest training was queued."""
    queue_rank: int = 0
    """Order of the waiting trainings of one owner, lowest first."""
    queue_priority: int = 0
    """Trainings with a higher priority start first, regardless of their owners."""
    queued_from: ModelState | None = None
    """State from which the latest training was queued."""
    resumes: bool = False
    """Whether the latest training continues from the newest checkpoint; otherwise it starts at the first step."""


@dataclass(frozen=True)
class LogLine:
    """One line of a model's log; positions count from 1 without gaps."""

    position: int
    text: str
    level: str = "info"
    time: datetime | None = None


@dataclass(frozen=True)
class Metric:
    """One value of a metric at one step (`loss`, `val_loss`, `learning_rate`, `grad_norm`, `chars_per_second`)."""

    step: int
    name: str
    value: float
    time: datetime | None = None


def _empty() -> npt.NDArray[np.float64]:
    return np.empty(0)


@dataclass(frozen=True, eq=False)
class Curve:
    """The values of one metric in order of steps; each array has shape `(values,)`.

    Arrays instead of records, because a long training has a hundred thousand values.
    """

    steps: npt.NDArray[np.float64] = field(default_factory=_empty)
    values: npt.NDArray[np.float64] = field(default_factory=_empty)
    seconds: npt.NDArray[np.float64] = field(default_factory=_empty)
    """Time of each value, in seconds since the Unix epoch."""

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def last_step(self) -> int:
        """Step of the last value; -1 if the curve is empty."""
        return int(self.steps[-1]) if len(self) else -1

    def extended(self, later: "Curve") -> "Curve":
        """Return this curve with later values appended."""
        if not len(later):
            return self
        return Curve(*(np.concatenate(both) for both in zip(self._arrays, later._arrays, strict=True)))

    @property
    def _arrays(self) -> tuple[npt.NDArray[np.float64], ...]:
        return self.steps, self.values, self.seconds


@dataclass(frozen=True)
class Checkpoint:
    """A folder to resume training from, or to generate text with."""

    id: str
    model_id: str
    step: int
    kind: str
    """`last` (newest) or `best` (lowest validation loss)."""
    loss: float | None
    folder: str
    """Name of the folder in the model's checkpoint folder; made from ids and the step only."""
    size_bytes: int
    created_at: datetime


@dataclass(frozen=True)
class Sample:
    """A text generated by a model, with the options and seed that were used."""

    id: str
    model_id: str
    step: int
    text: str
    options: Mapping[str, Any]
    created_at: datetime
    by_user: bool = False
    """Whether a user requested the text; otherwise it was generated during training."""
