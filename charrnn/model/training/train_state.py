"""A training under way: what the loop and the callbacks share."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.core.batches import Ids, Streams, split
from charrnn.core.errors import TrainingFailed
from charrnn.core.loss_difference import block_means, is_significantly_higher
from charrnn.core.training_events import Listener, Planned, Said, Saved
from charrnn.core.vocabulary import Vocabulary
from charrnn.model.training import checkpoint
from charrnn.model.training.evaluation import Evaluation
from charrnn.model.training.optimizer import scheduled_rate
from charrnn.model.training.schedule_plan import SchedulePlan
from charrnn.model.training.train_step import Engine

UNLIMITED = 1_000_000_000
"""More steps than any training does."""
HELD_SECONDS = 10.0
"""Least time between two checkpoints of the best state where it is only held in between."""
LOOKED_AT = 1_000_000
"""Characters of the text that tell how often each occurs, before the first step."""


@dataclass
class Progress:
    """How far a training is; stored in its checkpoints, so that it goes on from there."""

    step: int = 0
    """Steps done."""
    seconds: float = 0.0
    """Time spent, over all stretches of work."""
    epoch: int = 0
    """Stretches between two validations that are done: the epochs of Keras callbacks."""
    epoch_steps: int = 0
    """Steps done in this one."""
    epoch_loss: float = 0.0
    """Sum of their losses."""
    newest_loss: float | None = None
    """Of the newest validation; of the training where nothing is validated."""
    best_loss: float | None = None
    best_step: int = 0
    best_seconds: float = 0.0
    best_blocks: list[float] = field(default_factory=list)
    """Its losses in blocks of the validation text, to tell a difference from chance."""
    without_gain: int = 0
    """Validations in a row that brought no lower loss."""
    newest_is_worse: bool = False
    """Whether the newest loss is higher than the lowest by more than chance."""
    first_loss: float | None = None
    validation_is_due: bool = False
    """A stop cut the validation after the last step short."""
    rate_factor: float = 1.0
    """What callbacks have made of the learning rate, as a factor."""
    began: int = 0
    """Number of the training that did the first step; 0 where an older program saved it."""
    fitted_steps: int = 0
    """Last step of the schedule, fitted to the time budget; 0 before the first fit."""
    fitted_from: int = 0
    fitted_share: float = 0.0
    """Step of the newest fit and completed share of the schedule; both 0 while the learning rate is constant."""
    estimated_steps: int = 0
    """`max_steps` before the first fit."""
    looks: int = 0
    """Number of completed checks of the schedule."""

    def judge(self, loss: float, losses: npt.NDArray[np.float32] | None) -> None:
        """Take in a validation: is it the best so far?

        Args:
            loss: Its mean.
            losses: That of each character, in order; `None` where the training's own loss is all there is.
        """
        self.newest_loss, self.without_gain = loss, self.without_gain + 1
        blocks = [] if losses is None else block_means(losses)
        self.newest_is_worse = self.best_loss is not None and is_significantly_higher(blocks, self.best_blocks)
        if self.best_loss is None or loss < self.best_loss:
            self.best_loss, self.best_step, self.best_seconds = loss, self.step, self.seconds
            self.best_blocks, self.without_gain = blocks, 0


@dataclass
class Run:
    """One stretch of work on a model.

    Args:
        ids: The whole text.
        vocabulary: Its vocabulary.
        options: Training options, checked.
        folder: Where checkpoints are written.
        number: Which stretch of work on this model it is; part of the checkpoints' names, so that a worker that was
            thought dead never writes into the folders of the one that took over.
        tell: Hears every event.
        should_stop: Asked after every step.
    """

    ids: Ids
    vocabulary: Vocabulary
    options: Mapping[str, Any]
    folder: Path
    number: int
    tell: Listener
    should_stop: Callable[[], bool]
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        self.progress.began = self.number
        sizes = {name: self.options[name] for name in ("num_seqs", "num_steps")}
        kept = {name: self.options[name] for name in ("val_fraction", "max_val_chars")}
        self.split = split(len(self.ids), **kept, **sizes)
        self.streams = Streams(self.ids[: self.split.num_train], seed=self.options["seed"], **sizes)
        self.engine = Engine(self.options, len(self.vocabulary) + 1)
        if self.options["cell"] == "mingru":
            self.engine.expect(self.ids[: self.split.num_train][:LOOKED_AT])
        self.evaluation = None
        if self.split.num_val:
            like = self.options["num_seqs"], self.options["num_steps"]
            self.evaluation = Evaluation(self.engine.result, self.ids, first=self.split.num_train, like=like)
        self.plan = self._plan()
        self._held: tuple[float, checkpoint.Snapshot] | None = None
        self._written_at = -math.inf
        self._clock = time.monotonic()

    def _plan(self) -> SchedulePlan:
        epochs = self.options["max_epochs"]
        epoch_limit = max(1, round(epochs * self.streams.steps_per_pass)) if epochs else UNLIMITED
        return SchedulePlan(self.options, self.progress, epoch_limit)

    @property
    def total_steps(self) -> int:
        """Step at which the training is complete."""
        return self.plan.total_steps

    def say(self, text: str, level: str = "info") -> None:
        """Write a line to the log."""
        self.tell(Said(text, level))

    def tick(self) -> None:
        """Count the time since the last call as spent."""
        now = time.monotonic()
        self.progress.seconds += now - self._clock
        self._clock = now

    def look_at_clock(self) -> None:
        """Fit the end of the schedule to the time budget, now and then."""
        if message := self.plan.refit():
            self.options = {**self.options, "max_steps": self.total_steps}
            self.plan.options = self.options
            self.say(message)
            self.tell(Planned(self.progress.step, self.total_steps))

    def scheduled_rate(self) -> float:
        """Return the learning rate of the next step by the schedule, whatever callbacks make of it."""
        step = self.progress.step
        passes = step // self.streams.steps_per_pass
        return scheduled_rate(self.options, step=step, done=self.plan.share_done, passes=passes)

    def learn(self, rate: float) -> tuple[float, float]:
        """Do one step; return loss and gradient norm.

        Raises:
            TrainingFailed: One of them is not a number.
        """
        step = self.progress.step
        batch = self.streams.batch(step)
        loss, norm = self.engine.step(batch, step, rate, restart=self.streams.starts_pass(step))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise self.diverged(f"The loss became {loss} and the gradients {norm} at step {step + 1:,}")
        if self.progress.first_loss is None:
            self.progress.first_loss = loss
        self.progress.step += 1
        self.progress.epoch_steps += 1
        self.progress.epoch_loss += loss
        return loss, norm

    def diverged(self, finding: str) -> TrainingFailed:
        """Return the error that ends a training whose numbers are none any more."""
        return TrainingFailed(
            f"{finding}: the network has left the range of numbers. "
            f"Lower learning_rate (now {self.options['learning_rate']:g}), raise warmup_steps "
            f"(now {self.options['warmup_steps']}), or set a tighter grad_clip (now {self.options['grad_clip']:g}, "
            f"0 is off). The last checkpoint is kept."
        )

    def save(self, kind: str, loss: float | None) -> None:
        """Write a checkpoint, `last` or `best`; a best one that is held comes first, so that none is newer than it."""
        if kind == "last":
            self.write_held()
        self._write(kind, loss, self._snapshot())

    def hold_best(self, loss: float) -> None:
        """Keep the best state so far. With cadence `log`, when new ones follow each other quickly, it is written later:
        at the latest with the next `last`, from which a training that breaks off would find it again."""
        self._held = loss, self._snapshot()
        if self.options["cadence"] == "even" or time.monotonic() - self._written_at > HELD_SECONDS:
            self.write_held()

    def write_held(self) -> None:
        """Write the best state if it is only held in memory."""
        if self._held is not None:
            (loss, snapshot), self._held = self._held, None
            self._write("best", loss, snapshot)
            self._written_at = time.monotonic()

    def _snapshot(self) -> checkpoint.Snapshot:
        self.tick()
        return checkpoint.Snapshot.of(self.engine, self.options, asdict(self.progress))

    def _write(self, kind: str, loss: float | None, snapshot: checkpoint.Snapshot) -> None:
        step = snapshot.progress["step"]
        name = f"{kind}-{step}-{self.number}"
        size = checkpoint.save(self.folder / name, snapshot, self.vocabulary)
        self.tell(Saved(step, kind, loss, name, size))
        self.tick()

    def resume(self, stored: checkpoint.Loaded) -> None:
        """Go on from a checkpoint.

        Raises:
            CheckpointError: It does not fit the options.
        """
        fits = self.engine.load(stored.weights, stored.training_state)
        self.progress = Progress(**stored.progress)
        self.plan = self._plan()
        self.plan.resume(stored.options)
        self._clock = time.monotonic()
        self.say(f"resumed at step {self.progress.step}")
        if not fits:
            self.say("num_seqs has changed: the network's memory starts empty", "warning")
