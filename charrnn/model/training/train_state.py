"""A training under way: what the loop and the callbacks share."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from charrnn.core.batches import Ids, Streams, split
from charrnn.core.errors import TrainingFailed
from charrnn.core.training_events import CheckpointSaved, Listener, LogMessage
from charrnn.core.vocabulary import Vocabulary
from charrnn.model.training import checkpoint
from charrnn.model.training.evaluation import Evaluation
from charrnn.model.training.optimizer import scheduled_rate
from charrnn.model.training.train_step import Engine

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
    without_gain: int = 0
    """Validations in a row that brought no lower loss."""
    first_loss: float | None = None
    validation_is_due: bool = False
    """A stop cut the validation after the last step short."""
    rate_factor: float = 1.0
    """What callbacks have made of the learning rate, as a factor."""
    began: int = 0
    """Number of the training that did the first step; 0 where an older program saved it."""


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
        self.total_steps = total_steps(self.options, self.streams.steps_per_epoch)
        self._clock = time.monotonic()

    def say(self, text: str, level: str = "info") -> None:
        """Write a line to the log."""
        self.tell(LogMessage(text, level))

    def tick(self) -> None:
        """Count the time since the last call as spent."""
        now = time.monotonic()
        self.progress.seconds += now - self._clock
        self._clock = now

    @property
    def out_of_time(self) -> bool:
        """Whether the time limit is reached."""
        return 0 < self.options["max_minutes"] * 60 <= self.progress.seconds

    def scheduled_rate(self) -> float:
        """Return the learning rate of the next step by the schedule, whatever callbacks make of it."""
        done = self.progress.step / self.total_steps
        if self.options["max_minutes"]:
            done = max(done, self.progress.seconds / (60 * self.options["max_minutes"]))
        passes = self.progress.step // self.streams.steps_per_epoch
        return scheduled_rate(self.options, step=self.progress.step, done=done, passes=passes)

    def learn(self, rate: float) -> tuple[float, float]:
        """Do one step; return loss and gradient norm.

        Raises:
            TrainingFailed: One of them is not a number.
        """
        step = self.progress.step
        batch = self.streams.batch(step)
        loss, norm = self.engine.step(batch, step, rate, restart=self.streams.starts_epoch(step))
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
        """Write a checkpoint, `last` or `best`."""
        self.tick()
        step = self.progress.step
        name = f"{kind}-{step}-{self.number}"
        progress = asdict(self.progress)
        size = checkpoint.save(self.folder / name, self.engine, self.vocabulary, self.options, progress)
        self.tell(CheckpointSaved(step, kind, loss, name, size))

    def resume(self, stored: checkpoint.Loaded) -> None:
        """Go on from a checkpoint.

        Raises:
            CheckpointError: It does not fit the options.
        """
        fits = self.engine.load(stored.weights, stored.training_state)
        self.progress = Progress(**stored.progress)
        self._clock = time.monotonic()
        self.say(f"resumed at step {self.progress.step}")
        if not fits:
            self.say("num_seqs has changed: the network's memory starts empty", "warning")


def total_steps(options: Mapping[str, Any], steps_per_epoch: int) -> int:
    """Return the step at which a training is complete: the last one, or the end of the last pass over the text."""
    steps: int = options["max_steps"]
    if options["max_epochs"]:
        steps = min(steps, max(1, round(options["max_epochs"] * steps_per_epoch)))
    return steps
