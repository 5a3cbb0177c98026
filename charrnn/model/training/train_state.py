"""The state of a training, shared by the training loop and its callbacks."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.core.batches import Ids, Streams, epoch_limit, split
from charrnn.core.errors import TrainingFailed
from charrnn.core.loss_difference import block_means, margin
from charrnn.core.network_ngram_mixture import Mixture, best_share
from charrnn.core.ngrams import MAX_CHARACTERS, Floats, count_ngrams
from charrnn.core.training_events import CheckpointSaved, Listener, LogMessage, SchedulePlanned
from charrnn.core.vocabulary import Vocabulary
from charrnn.model.training import checkpoint
from charrnn.model.training.evaluation import Evaluation
from charrnn.model.training.optimizer import scheduled_rate
from charrnn.model.training.time_budget import TimeBudget
from charrnn.model.training.train_step import TrainStep

UNLIMITED = 1_000_000_000
"""Number of steps that no training reaches."""
MAX_NOISE = 0.005
"""Maximum difference in nats between the loss of the best model and the lowest loss, however noisy a short text is."""
SECONDS_BETWEEN_BEST = 10.0
"""Minimum time between two checkpoints of the best model, with cadence `log`."""
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
    best_seconds: float = 0.0
    best_blocks: list[float] = field(default_factory=list)
    """The losses of the best validation in blocks of the validation text, to distinguish differences from noise."""
    without_gain: int = 0
    """Consecutive validations without a lower loss."""
    newest_is_worse: bool = False
    """Whether the newest loss is higher than the best loss by more than the noise."""
    first_loss: float | None = None
    validation_is_due: bool = False
    """Whether a stop interrupted the validation after the last step."""
    rate_factor: float = 1.0
    """Factor that callbacks applied to the scheduled learning rate."""
    network_share: float = 1.0
    """The network's share in the mixture with n-grams, found by the newest validation; 1 before the first validation
    and without n-grams."""
    began: int = 0
    """Number of the training that did the first step; 0 if an older version saved it."""
    fitted_steps: int = 0
    """Last step of the schedule as fitted to the time budget; 0 if it was not fitted yet."""
    fitted_from: int = 0
    fitted_share: float = 0.0
    """Step at which the schedule was fitted, and the fraction of it that was completed then; both 0 if the learning
    rate had not begun to fall."""
    estimated_steps: int = 0
    """The value of `max_steps` before it was fitted."""
    looks: int = 0
    """Number of times that the schedule was compared with the clock."""

    def record_validation(self, loss: float, losses: npt.NDArray[np.floating] | None) -> None:
        """Record a validation, and whether it is the best so far.

        If losses differ only by noise, the earlier network counts as better, because it has memorized less.

        Args:
            loss: The mean loss.
            losses: The loss of each character, in order; `None` if there is only the training loss.
        """
        self.newest_loss, self.without_gain = loss, self.without_gain + 1
        blocks = [] if losses is None else block_means(losses)
        noise = margin(blocks, self.best_blocks)
        self.newest_is_worse = self.best_loss is not None and loss > self.best_loss + noise
        if self.best_loss is None or loss < self.best_loss - min(noise, MAX_NOISE):
            self.best_loss, self.best_step, self.best_seconds = loss, self.step, self.seconds
            self.best_blocks, self.without_gain = blocks, 0


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
        val_sizes = {name: self.options[name] for name in ("val_fraction", "max_val_chars")}
        self.split = split(len(self.ids), **val_sizes, **sizes)
        self.streams = Streams(self.ids[: self.split.num_train], seed=self.options["seed"], **sizes)
        self.train_step = TrainStep(self.options, len(self.vocabulary) + 1)
        if self.options["cell"] == "mingru":
            self.train_step.initialize_output_bias(self.ids[: self.split.num_train][:COUNTED_CHARACTERS])
        self.evaluation = None
        if self.split.num_val:
            batch_shape = self.options["num_seqs"], self.options["num_steps"]
            self.evaluation = Evaluation(
                self.train_step.result, self.ids, first=self.split.num_train, batch_shape=batch_shape
            )
        self.mixture: Mixture | None = None
        self._ngrams_on_validation: Floats = np.empty(0)
        if self.options["ngram_order"] and self.evaluation is not None:
            self._count_ngrams()
        self.plan = self._plan()
        self._unsaved_best: tuple[float, checkpoint.Snapshot] | None = None
        self._best_saved_at = -math.inf
        self._clock = time.monotonic()

    def _plan(self) -> TimeBudget:
        limit = epoch_limit(self.options, self.streams.steps_per_epoch)
        return TimeBudget(self.options, self.progress, UNLIMITED if limit is None else limit)

    @property
    def total_steps(self) -> int:
        """Step at which the training is complete."""
        return self.plan.total_steps

    def log(self, text: str, level: str = "info") -> None:
        """Emit a log message."""
        self.emit(LogMessage(text, level))

    def tick(self) -> None:
        """Add the time since the last call to the time spent."""
        now = time.monotonic()
        self.progress.seconds += now - self._clock
        self._clock = now

    def adjust_schedule(self) -> None:
        """Fit the end of the schedule to the time budget if it is due."""
        if message := self.plan.adjust():
            self.options = {**self.options, "max_steps": self.total_steps}
            self.plan.options = self.options
            self.log(message)
            self.emit(SchedulePlanned(self.progress.step, self.total_steps))

    def scheduled_rate(self) -> float:
        """Return the scheduled learning rate of the next step, without the factor of callbacks."""
        step = self.progress.step
        epochs = step // self.streams.steps_per_epoch
        return scheduled_rate(self.options, step=step, done=self.plan.completed, epochs=epochs)

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

    def validate(self, evaluation: Evaluation) -> tuple[dict[str, float], npt.NDArray[np.floating]]:
        """Evaluate the network on the validation text.

        Returns:
            The metrics `val_loss`, in nats per character, and with n-grams `network_loss`, the loss of the network
            alone; and the loss of each character, in order, of which `val_loss` is the mean.

        Raises:
            EvaluationStopped: A stop was requested.
        """
        losses = evaluation.losses(self.should_stop)
        network_loss = float(np.mean(losses))
        if self.mixture is None or not math.isfinite(network_loss):
            return {"val_loss": network_loss}, losses
        self.mixture.share = self.progress.network_share = best_share(losses, self._ngrams_on_validation)
        mixed = self.mixture.losses(losses, self._ngrams_on_validation)
        return {"val_loss": float(np.mean(mixed)), "network_loss": network_loss}, mixed

    def _count_ngrams(self) -> None:
        """Count n-grams in the training text, and predict the validation text with them."""
        text = self._counted_ids
        ngrams = count_ngrams(text, len(self.vocabulary) + 1, self.options["ngram_order"])
        before = self.ids[: self.split.num_train][-ngrams.order :]
        rest = np.concatenate([before, self.ids[self.split.num_train :]])
        self._ngrams_on_validation = ngrams.probabilities(rest)[len(before) - 1 :]
        self.mixture = Mixture(ngrams)

    @property
    def _counted_ids(self) -> Ids:
        return self.ids[: self.split.num_train][-MAX_CHARACTERS:]

    def diverged(self, problem: str) -> TrainingFailed:
        """Return the error for a training whose numbers became NaN or infinite."""
        return TrainingFailed(
            f"{problem}: the training has diverged. "
            f"Lower learning_rate (now {self.options['learning_rate']:g}), raise warmup_steps "
            f"(now {self.options['warmup_steps']}), or set a tighter grad_clip (now {self.options['grad_clip']:g}, "
            f"0 is off). The last checkpoint is kept."
        )

    def save(self, kind: str, loss: float | None) -> None:
        """Save a checkpoint, `last` or `best`.

        Before `last`, an unsaved best state is saved, because a training that is resumed from `last` does not reach it
        again.
        """
        if kind == "last":
            self.save_unsaved_best()
        self._write(kind, loss, self._snapshot())

    def keep_best(self, loss: float) -> None:
        """Keep the current state as the best one.

        With cadence `log`, if lower losses follow each other quickly, it is saved later, at the latest with the next
        `last` checkpoint. A training that is interrupted before resumes at an older step and finds it again.
        """
        self._unsaved_best = loss, self._snapshot()
        if self.options["cadence"] == "even" or time.monotonic() - self._best_saved_at > SECONDS_BETWEEN_BEST:
            self.save_unsaved_best()

    def save_unsaved_best(self) -> None:
        """Save the best state if it is only in memory."""
        if self._unsaved_best is not None:
            (loss, snapshot), self._unsaved_best = self._unsaved_best, None
            self._write("best", loss, snapshot)
            self._best_saved_at = time.monotonic()

    def _snapshot(self) -> checkpoint.Snapshot:
        self.tick()
        text = None if self.mixture is None else self._counted_ids
        return checkpoint.Snapshot.of(self.train_step, self.options, asdict(self.progress), text)

    def _write(self, kind: str, loss: float | None, snapshot: checkpoint.Snapshot) -> None:
        step = snapshot.progress["step"]
        name = f"{kind}-{step}-{self.number}"
        size = checkpoint.save(self.folder / name, snapshot, self.vocabulary)
        self.emit(CheckpointSaved(step, kind, loss, name, size))
        self.tick()

    def resume(self, stored: checkpoint.LoadedCheckpoint) -> None:
        """Resume from a checkpoint.

        Raises:
            CheckpointError: The checkpoint does not match the options.
        """
        fits = self.train_step.load(stored.weights, stored.training_state)
        self.progress = TrainingProgress(**stored.progress)
        self.plan = self._plan()
        self.plan.resume(stored.options)
        if self.mixture is not None:
            self.mixture.share = self.progress.network_share
        self._clock = time.monotonic()
        self.log(f"resumed at step {self.progress.step}")
        if not fits:
            self.log("num_seqs has changed: the network starts with an empty state", "warning")
