"""Follow a training of any process by reading the database."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from charrnn.core.records import ACTIVE, LogLine, Metric, Model, Sample
from charrnn.services.database_retry import retry_while_unavailable
from charrnn.services.models import Models
from charrnn.services.training_launcher import TrainingLauncher

MAX_LINES = 10_000
"""Maximum number of log lines in one update."""


@dataclass(frozen=True)
class TrainingUpdate:
    """Everything new about a training since the previous update; false if nothing is new."""

    model: Model
    lines: list[LogLine]
    metrics: list[Metric]
    samples: list[Sample]
    is_last: bool = False
    """Whether the training has ended and this update completes its history."""

    def __bool__(self) -> bool:
        return bool(self.lines or self.metrics or self.samples or self.is_last)


class TrainingFollower:
    """Read what is new about a model's training from the database.

    Iterating waits for updates and ends with the training; the last update has `is_last` set.

    Args:
        models: The models of the user.
        launcher: Runs the trainings of this process.
        model_id: The model.
        after: Position of the last log line that the caller has; if above 0, samples stored so far are skipped, too.
        metrics: Whether updates contain metrics.
        on_stored: Called when a training of this process stored something to read; see `TrainingLauncher.subscribe`.

    Raises:
        NotFound: There is no such model.
    """

    def __init__(
        self,
        models: Models,
        launcher: TrainingLauncher,
        model_id: str,
        *,
        after: int = 0,
        metrics: bool = True,
        on_stored: Callable[[], None] | None = None,
    ):
        self._models, self._launcher, self._history = models, launcher, launcher.history
        self._model_id = models.get(model_id).id
        self._reads_metrics = metrics
        self._position, self._step = after, -1
        self._step_metrics: set[str] = set()
        self._samples = {sample.id for sample in self._history.samples(self._model_id)} if after else set()
        self._unsubscribe = launcher.subscribe(self._model_id, on_stored) if on_stored else lambda: None

    def __iter__(self) -> Iterator[TrainingUpdate]:
        while not (update := retry_while_unavailable(self.update)).is_last:
            if update:
                yield update
            if len(update.lines) < MAX_LINES:
                self._launcher.poll()
        yield update

    @property
    def is_local(self) -> bool:
        """Whether the training runs in this process, so that `on_stored` is called for everything new."""
        return self._model_id in self._launcher.running()

    def close(self) -> None:
        """End the subscription of `on_stored`."""
        self._unsubscribe()

    def update(self, model: Model | None = None) -> TrainingUpdate:
        """Return everything new since the last call.

        Args:
            model: The model, if the caller has just read it.

        Raises:
            NotFound: The model was purged in the meantime.
        """
        # Read the model first: an update with the final state must contain everything before it.
        model = model or self._models.get(self._model_id)
        has_lines = model.log_position > self._position
        lines = self._history.lines(model.id, after=self._position, limit=MAX_LINES) if has_lines else []
        is_last = model.state not in ACTIVE and len(lines) < MAX_LINES
        # Advance the position only after everything has been read, so that an error loses no line.
        samples = self._history.samples(model.id, known=self._samples)
        metrics = self._new_metrics(model) if self._reads_metrics else []
        self._position += len(lines)
        self._samples |= {sample.id for sample in samples}
        return TrainingUpdate(model, lines, metrics, samples, is_last)

    def _new_metrics(self, model: Model) -> list[Metric]:
        # If the training was restarted, read from its first step. The last step is always read again, because its
        # validation loss arrives seconds after its training loss.
        restarted = model.step < self._step
        metrics = self._history.metrics(model.id, after_step=-2 if restarted else self._step - 1)
        if restarted:
            self._step, self._step_metrics = -1, set()
        new = [m for m in metrics if m.step > self._step or m.name not in self._step_metrics]
        if new and new[-1].step > self._step:
            self._step, self._step_metrics = new[-1].step, set()
        self._step_metrics |= {m.name for m in new if m.step == self._step}
        return new
