"""List, reorder and cancel waiting trainings."""

from dataclasses import dataclass

from charrnn.core import formatting
from charrnn.core.errors import StateError
from charrnn.core.records import Model, ModelState
from charrnn.services.models import Models
from charrnn.services.training_launcher import TrainingLauncher
from charrnn.store.training_queue import Move


@dataclass(frozen=True)
class QueueEntry:
    """A waiting training."""

    model: Model
    position: int
    """Position among the waiting trainings of all users, from 1."""
    seconds: float
    """Estimated time until it starts; 0 if there is room for it now."""

    def __str__(self) -> str:
        """Return for example `Waiting, 2nd in line, starts in about 4 min`."""
        return f"Waiting, {formatting.ordinal(self.position)} in line, starts {self.when}"

    @property
    def when(self) -> str:
        """The estimated start, for example `in about 4 min`."""
        return f"in about {formatting.rounded_duration(self.seconds)}" if self.seconds >= 1 else "soon"


class TrainingQueue:
    """The waiting trainings that one user sees, or those of all users.

    Args:
        launcher: Starts the trainings of this process.
        models: The models of the user.
        is_operator: Whether these are the trainings of all users, which the operator may place before others.
    """

    def __init__(self, launcher: TrainingLauncher, models: Models, *, is_operator: bool = True):
        self._launcher, self._models, self._is_operator = launcher, models, is_operator

    def seen_by(self, models: Models) -> "TrainingQueue":
        """Return the waiting trainings of one user."""
        return TrainingQueue(self._launcher, models, is_operator=False)

    def entries(self) -> list[QueueEntry]:
        """Return the user's waiting trainings in the order in which they start."""
        load = self._launcher.forecast.read()
        if not load.waiting:
            return []
        planned = enumerate(self._launcher.forecast.starts(load), 1)
        entries = [QueueEntry(model, position, seconds) for position, (model, seconds) in planned]
        return [entry for entry in entries if self._models.sees(entry.model)]

    def entry(self, model_id: str) -> QueueEntry | None:
        """Return the entry of a model; `None` if it does not wait."""
        return next((entry for entry in self.entries() if entry.model.id == model_id), None)

    def move(self, model_id: str, move: str) -> Model:
        """Move a waiting training `up` or `down` by one place, or to the `first` place.

        Users reorder their own trainings, which does not affect the turns of other users. The operator, who sees the
        trainings of all users, can place one `first` before all others; `down` undoes that.

        Raises:
            NotFound: There is no such model.
            StateError: The training does not wait.
            ValueError: `move` is unknown.
        """
        model_id = self._models.check_access(model_id)
        return self._launcher.queue.move(model_id, Move(move), by_operator=self._is_operator)

    def cancel(self, model_id: str) -> Model:
        """Remove a training from the queue. A new model is kept, and can be trained later.

        Raises:
            NotFound: There is no such model.
            StateError: The training does not wait.
        """
        model = self._models.get(model_id)
        if model.state != ModelState.QUEUED:
            raise StateError(f"The training of {model.name!r} does not wait: it is {model.state}.")
        stopped = self._launcher.leases.request_stop(model.id)
        self._launcher.dispatcher.wake()
        return stopped

    def serve(self) -> None:
        """Start the waiting trainings of all users in this process from now on, as a dashboard does."""
        self._launcher.dispatcher.serve()
