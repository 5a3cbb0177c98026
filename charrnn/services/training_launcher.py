"""Queue trainings, and run them on threads of this process."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from charrnn.core.errors import NotFound, StateError, StoreError, StoreUnavailable, StudioError
from charrnn.core.options import checked
from charrnn.core.records import ACTIVE, Model, ModelState
from charrnn.core.training_events import Event, TrainingEnded
from charrnn.services.checkpoint_manager import CheckpointManager
from charrnn.services.checkpoint_recovery import CheckpointRecovery
from charrnn.services.corpora import Corpora
from charrnn.services.dead_worker_cleanup import end_dead_trainings
from charrnn.services.limit_check import LimitCheck
from charrnn.services.models import Models
from charrnn.services.process_identity import is_dead, worker_name
from charrnn.services.queue_forecast import QueueForecast
from charrnn.services.training_dispatcher import TrainingDispatcher
from charrnn.services.training_request import TrainingRequest
from charrnn.services.training_thread import TrainingThread
from charrnn.store.run_history import HistoryStore
from charrnn.store.training_leases import LeaseStore

POLL_SECONDS = 0.25
"""Interval at which callers that wait for a training read the database, in seconds."""
CLEANUP_SECONDS = 1.0
"""Interval at which these callers end trainings whose worker died, in seconds."""

log = logging.getLogger(__name__)


class TrainingLauncher:
    """Queue, launch and stop the trainings of this process; shared by all users.

    Args:
        leases: Queues and claims models.
        forecast: Decides which waiting trainings fit on this machine.
        history: Stores logs, metrics, samples and checkpoint rows.
        checkpoints: Stores checkpoint folders.
        recovery: Adopts checkpoint folders without a row.
        models: The models of all users.
        corpora: The texts of all users.
    """

    def __init__(
        self,
        leases: LeaseStore,
        forecast: QueueForecast,
        *,
        history: HistoryStore,
        checkpoints: CheckpointManager,
        recovery: CheckpointRecovery,
        models: Models,
        corpora: Corpora,
    ):
        self.leases, self.history, self.recovery, self.checkpoints = leases, history, recovery, checkpoints
        self.queue, self.forecast = forecast.queue, forecast
        self._models, self._corpora = models, corpora
        self._threads: dict[str, TrainingThread] = {}
        self._requests: dict[str, TrainingRequest] = {}
        """The trainings that wait in this process."""
        self.dispatcher = TrainingDispatcher(
            forecast,
            own=lambda: list(self._requests),
            start=self._start,
            drop=self._drop,
            end_dead=self.end_dead,
        )
        self._subscribers: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)
        self._lock = threading.Lock()
        self._cleanup_due = 0.0

    def launch(
        self,
        request: TrainingRequest,
        queue: Callable[[str], Model],
        *,
        limit_check: LimitCheck,
        model: Model | None = None,
    ) -> Model:
        """Queue a model, and start its training thread if there is room for it.

        Args:
            request: The training.
            queue: Queues the model in one transaction and returns it; its argument is the process that the training is
                reserved for, empty for any.
            limit_check: Limits to check first.
            model: The model before it is queued; `None` if `queue` creates it.

        Raises:
            LimitExceeded: The training exceeds a limit; nothing was queued.
            StateError: Another worker trains the model already.
        """
        limit_check.check_training(
            request.options, request.corpus, self._num_waiting(limit_check.owner), model.id if model else ""
        )
        is_local = bool(request.callbacks or request.listeners)  # they exist only in this process
        with self._lock:
            queued = queue(worker_name() if is_local or not self.dispatcher.serves else "")
            self._requests[queued.id] = request
        self.dispatcher.dispatch()
        if queued.id in self._requests:
            self.dispatcher.wake()
        return queued

    def take_over(self, model: Model, request: TrainingRequest) -> Model:
        """Let a training wait in this process that was queued by a process that has ended.

        Raises:
            StateError: The training waits in another process, or no longer waits.
        """
        if is_dead(model.worker):
            self.queue.release(model.id, model.worker)
        with self._lock:
            queued = self.queue.reserve(model.id, worker_name())
            self._requests[queued.id] = request
        self.dispatcher.dispatch()
        self.dispatcher.wake()
        return queued

    def waits_here(self, model_id: str) -> bool:
        """Return whether a training waits in this process."""
        return model_id in self._requests

    def _num_waiting(self, owner: str | None) -> int:
        return sum(owner in (None, model.owner) for model in self.queue.waiting())

    def _start(self, model: Model) -> None:
        """Start a waiting training; called by the dispatcher.

        Raises:
            StateError: It was cancelled, or another process has claimed it.
            StoreError: The database is unavailable; the training keeps waiting.
        """
        with self._lock:
            request = self._requests.get(model.id)
            try:
                request = request or self._request(model)
                self._threads[model.id] = TrainingThread(
                    model,
                    replace(request, listeners=(*request.listeners, self._look_for_room)),
                    lambda: self._corpora.ids(request.corpus.id, max_vocab=int(request.options["max_vocab"])),
                    self.leases,
                    self.history,
                    self.checkpoints,
                    on_stored=lambda: self._notify(model.id),
                )
            except (StateError, StoreError):
                raise
            except Exception as error:
                if not isinstance(error, StudioError):
                    log.exception("a training cannot start")
                self.leases.unqueue(model.id, ModelState.FAILED, error=str(error) or type(error).__name__)
                return
            self._requests.pop(model.id, None)

    def _request(self, model: Model) -> TrainingRequest:
        """Return the request of a training that another process has queued."""
        corpus = self._corpora.get(model.corpus_id or "")
        return TrainingRequest(corpus, checked("training", model.train_params), resumes=model.resumes)

    def _drop(self, model_id: str) -> None:
        """Forget a training that no longer waits in this process, and tell its listeners."""
        request = self._requests.pop(model_id, None)
        if request is None:
            return
        try:
            model = self._models.get(model_id)
        except NotFound as error:
            end = TrainingEnded(0, ModelState.INTERRUPTED, str(error))
        else:
            end = TrainingEnded(model.step, model.state, _why_dropped(model))
        for listener in request.listeners:
            with suppress(Exception):  # the training has ended, so there is nobody to report it to
                listener(end)

    def _look_for_room(self, event: Event) -> None:
        if isinstance(event, TrainingEnded):
            self.dispatcher.wake()

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
        """End all trainings of this process as `interrupted`; each saves a checkpoint first.

        Waiting trainings keep waiting, for any process that serves the queue.
        """
        self.dispatcher.close()
        with self._lock:
            threads = list(self._threads.values())
        for thread in threads:
            thread.stop(interrupt=True)
        for thread in threads:
            thread.join()


def _why_dropped(model: Model) -> str:
    if model.state == ModelState.FAILED:
        return model.error or ""
    if model.state == ModelState.QUEUED:
        return f"The training of {model.name!r} keeps its place in the queue; a running dashboard starts it."
    if model.state in ACTIVE:
        return f"Another process trains {model.name!r} now."
    return f"The training of {model.name!r} was cancelled while it waited."
