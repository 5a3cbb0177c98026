"""The state of a training, shared by the training loop and its callbacks."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from charrnn.core.batches import Ids, Streams, split, total_steps
from charrnn.core.errors import TrainingFailed
from charrnn.core.training_events import CheckpointSaved, Listener, LogMessage
from charrnn.core.vocabulary import Vocabulary
from charrnn.model.training import checkpoint
from charrnn.model.training.evaluation import Evaluation
from charrnn.model.training.optimizer import scheduled_rate
from charrnn.model.training.train_step import TrainStep

COUNTED_CHARACTERS = 1_000_000
"""Characters from which the initial class frequencies are counted."""


@dataclass
class TrainingProgress:
    """The progress of a training, stored in its checkpoints."""

    step: int = 0
    """Completed steps."""
    seconds: float = 0.0
    """Time spent training, including before a resume."""
    epoch: int = 0
    """Completed epochs of Keras callbacks, each from one validation to the next."""
    epoch_steps: int = 0
    """Completed steps of the current epoch."""
    epoch_loss: float = 0.0
    """Sum of the losses of these steps."""
    newest_loss: float | None = None
    """Newest validation loss; training loss if there is no validation split."""
    best_loss: float | None = None
    best_step: int = 0
    without_gain: int = 0
    """Consecutive validations without a lower loss."""
    first_loss: float | None = None
    validation_is_due: bool = False
    """Whether a stop interrupted the validation after the last step."""
    rate_factor: float = 1.0
    """Factor that callbacks applied to the scheduled learning rate."""
    began: int = 0
    """Number of the training that did the first step; 0 if an older version saved it."""


@dataclass
class TrainState:
    """The network, data and progress of a training.

    Args:
        ids: The whole text.
        vocabulary: Its vocabulary.
        options: Validated training options.
        folder: Folder for checkpoints.
        number: Number of this training of the model; part of the checkpoints' names, so that a worker that was
            presumed dead never writes into the folders of the one that took over.
        emit: Called with every event.
        should_stop: Called after every step.
    """

    ids: Ids
    vocabulary: Vocabulary
    options: Mapping[str, Any]
    folder: Path
    number: int
    emit: Listener
    should_stop: Callable[[], bool]
    progress: TrainingProgress = field(default_factory=TrainingProgress)

    def __post_init__(self) -> None:
        self.progress.began = self.number
        sizes = {name: self.options[name] for name in ("num_seqs", "num_steps")}
        kept = {name: self.options[name] for name in ("val_fraction", "max_val_chars")}
        self.split = split(len(self.ids), **kept, **sizes)
        self.streams = Streams(self.ids[: self.split.num_train], seed=self.options["seed"], **sizes)
        self.train_step = TrainStep(self.options, len(self.vocabulary) + 1)
        if self.options["cell"] == "mingru":
            self.train_step.initialize_output_bias(self.ids[: self.split.num_train][:COUNTED_CHARACTERS])
        self.evaluation = None
        if self.split.num_val:
            like = self.options["num_seqs"], self.options["num_steps"]
            self.evaluation = Evaluation(self.train_step.result, self.ids, first=self.split.num_train, like=like)
        self.total_steps = total_steps(self.options, self.streams.steps_per_epoch)
        self._clock = time.monotonic()

    def log(self, text: str, level: str = "info") -> None:
        """Emit a log message."""
        self.emit(LogMessage(text, level))

    def tick(self) -> None:
        """Add the time since the last call to the time spent."""
        now = time.monotonic()
        self.progress.seconds += now - self._clock
        self._clock = now

    @property
    def out_of_time(self) -> bool:
        """Whether `max_minutes` is reached."""
        return 0 < self.options["max_minutes"] * 60 <= self.progress.seconds

    def scheduled_rate(self) -> float:
        """Return the scheduled learning rate of the next step, without the factor of callbacks."""
        done = self.progress.step / self.total_steps
        if self.options["max_minutes"]:
            done = max(done, self.progress.seconds / (60 * self.options["max_minutes"]))
        epochs = self.progress.step // self.streams.steps_per_epoch
        return scheduled_rate(self.options, step=self.progress.step, done=done, epochs=epochs)

    def learn(self, rate: float) -> tuple[float, float]:
        """Do one step; return loss and gradient norm.

        Raises:
            TrainingFailed: Loss or gradient norm is NaN or infinite.
        """
        step = self.progress.step
        batch = self.streams.batch(step)
        loss, norm = self.train_step.step(batch, step, rate, restart=self.streams.starts_epoch(step))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise self.diverged(f"The loss became {loss} and the gradients {norm} at step {step + 1:,}")
        if self.progress.first_loss is None:
            self.progress.first_loss = loss
        self.progress.step += 1
        self.progress.epoch_steps += 1
        self.progress.epoch_loss += loss
        return loss, norm

    def diverged(self, finding: str) -> TrainingFailed:
        """Return the error for a training whose numbers became NaN or infinite."""
        return TrainingFailed(
            f"{finding}: the training has diverged. "
            f"Lower learning_rate (now {self.options['learning_rate']:g}), raise warmup_steps "
            f"(now {self.options['warmup_steps']}), or set a tighter grad_clip (now {self.options['grad_clip']:g}, "
            f"0 is off). The last checkpoint is kept."
        )

    def save(self, kind: str, loss: float | None) -> None:
        """Save a checkpoint, `last` or `best`."""
        self.tick()
        step = self.progress.step
        name = f"{kind}-{step}-{self.number}"
        progress = asdict(self.progress)
        size = checkpoint.save(self.folder / name, self.train_step, self.vocabulary, self.options, progress)
        self.emit(CheckpointSaved(step, kind, loss, name, size))

    def resume(self, stored: checkpoint.LoadedCheckpoint) -> None:
        """Resume from a checkpoint.

        Raises:
            CheckpointError: The checkpoint does not match the options.
        """
        fits = self.train_step.load(stored.weights, stored.training_state)
        self.progress = TrainingProgress(**stored.progress)
        self._clock = time.monotonic()
        self.log(f"resumed at step {self.progress.step}")
        if not fits:
            self.log("num_seqs has changed: the network starts with an empty state", "warning")
