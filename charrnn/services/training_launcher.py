"""Run trainings on threads of this process."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress

from charrnn.core.errors import StoreUnavailable
from charrnn.core.records import Model, ModelState
from charrnn.services.checkpoint_manager import CheckpointManager
from charrnn.services.checkpoint_recovery import CheckpointRecovery
from charrnn.services.corpora import Corpora
from charrnn.services.dead_worker_cleanup import end_dead_trainings
from charrnn.services.limit_check import LimitCheck
from charrnn.services.models import Models
from charrnn.services.training_request import TrainingRequest
from charrnn.services.training_thread import TrainingThread
from charrnn.store.run_history import HistoryStore
from charrnn.store.training_leases import LeaseStore

POLL_SECONDS = 0.25
"""Interval at which callers that wait for a training read the database, in seconds."""
CLEANUP_SECONDS = 1.0
"""Interval at which these callers end trainings whose worker died, in seconds."""


class TrainingLauncher:
    """Launch and stop the trainings of this process; shared by all users.

    Args:
        leases: Queues and claims models.
        history: Stores logs, metrics, samples and checkpoint rows.
        checkpoints: Stores checkpoint folders.
        recovery: Adopts checkpoint folders without a row.
        models: The models of all users.
        corpora: The texts of all users.
    """

    def __init__(
        self,
        leases: LeaseStore,
        history: HistoryStore,
        checkpoints: CheckpointManager,
        recovery: CheckpointRecovery,
        models: Models,
        corpora: Corpora,
    ):
        self.leases, self.history, self.recovery, self.checkpoints = leases, history, recovery, checkpoints
        self._models, self._corpora = models, corpora
        self._threads: dict[str, TrainingThread] = {}
        self._subscribers: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)
        self._lock = threading.Lock()
        self._cleanup_due = 0.0

    def launch(
        self,
        request: TrainingRequest,
        queue: Callable[[], Model],
        *,
        limit_check: LimitCheck,
        model: Model | None = None,
    ) -> Model:
        """Queue a model and start its training thread.

        Args:
            request: The training.
            queue: Queues the model in one transaction and returns it.
            limit_check: Limits to check first.
            model: The model before it is queued; `None` if `queue` creates it.

        Raises:
            LimitExceeded: The training exceeds a limit; nothing was queued.
            StateError: Another worker trains the model already.
        """
        with self._lock:
            num_running = len(self.running())
            limit_check.check_training(request.options, request.corpus, num_running, model.id if model else "")
            queued = queue()
            try:
                self._threads[queued.id] = TrainingThread(
                    queued,
                    request,
                    lambda: self._corpora.ids(request.corpus.id, max_vocab=int(request.options["max_vocab"])),
                    self.leases,
                    self.history,
                    self.checkpoints,
                    on_stored=lambda: self._notify(queued.id),
                )
            except BaseException:
                self.leases.unqueue(queued.id, model.state if model else ModelState.READY)
                raise
        return queued

    def thread(self, model_id: str) -> TrainingThread | None:
        """Return the newest training thread of a model in this process, running or not."""
        return self._threads.get(model_id)

    def running(self) -> list[str]:
        """Return the ids of the models that this process trains right now."""
        return [model_id for model_id, thread in list(self._threads.items()) if not thread.join(0)]

    def subscribe(self, model_id: str, on_stored: Callable[[], None]) -> Callable[[], None]:
        """Call a function whenever a training of this process has stored something about a model.

        Args:
            model_id: The model.
            on_stored: Called on the training's threads; must return at once and must not raise.

        Returns:
            A function that ends the subscription.
        """
        subscribers = self._subscribers[model_id]
        subscribers.append(on_stored)

        def unsubscribe() -> None:
            with suppress(ValueError):  # calling it twice is fine
                subscribers.remove(on_stored)

        return unsubscribe

    def _notify(self, model_id: str) -> None:
        for on_stored in list(self._subscribers[model_id]):
            on_stored()

    def end_dead(self) -> list[Model]:
        """Mark trainings whose worker died as `interrupted` and return their models."""
        # An expired lease of this process only means that the database was unavailable.
        return end_dead_trainings(self.leases, self._models, self.recovery, alive=self.running())

    def poll(self) -> None:
        """Sleep for one polling interval; from time to time, end trainings whose worker died."""
        time.sleep(POLL_SECONDS)
        if time.monotonic() >= self._cleanup_due:
            self._cleanup_due = time.monotonic() + CLEANUP_SECONDS
            with suppress(StoreUnavailable):  # the caller reads the database next, with retries
                self.end_dead()

    def close(self) -> None:
        """End all trainings of this process as `interrupted`; each saves a checkpoint first."""
        with self._lock:
            threads = list(self._threads.values())
        for thread in threads:
            thread.stop(interrupt=True)
        for thread in threads:
            thread.join()
