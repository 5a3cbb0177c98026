"""Start waiting trainings as soon as this machine has room for them.

Every process starts its own trainings. A process that serves the queue, such as a dashboard, also starts those of
processes that have ended. For the moment in which it counts running trainings and starts others, a process is the
dispatcher of its machine (`QueueStore.elect`), so that several processes never exceed the capacity together. A training
starts once in any case, because only one process can claim it.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace

from charrnn.core.errors import NotFound, StateError, StoreError
from charrnn.core.records import Model
from charrnn.services.process_identity import host_of, is_dead, worker_name
from charrnn.services.queue_forecast import MachineLoad, QueueForecast

DISPATCH_SECONDS = 1.0
"""Interval at which a process with waiting trainings, or one that serves the queue, looks for room."""
RENEW_SECONDS = 5.0
"""Interval at which reservations are renewed, and a process announces that it serves the queue."""
SERVE_SECONDS = 20.0
"""Time after which such an announcement expires."""
ELECTION_SECONDS = 10.0
"""Longest time for which a process that hangs can keep others of its machine from starting trainings."""

ELECTION_ATTEMPTS, ELECTION_PAUSE = 10, 0.05
"""Number of attempts to become the dispatcher at once, and the seconds between them."""
CLOSE_SECONDS = 5.0
"""Longest time for which the end of the program waits for the thread, which may be waiting for the database."""

log = logging.getLogger(__name__)


class TrainingDispatcher:
    """Starts waiting trainings in this process.

    Args:
        forecast: Decides which waiting trainings fit on this machine.
        own: Returns the ids of the trainings that wait in this process.
        start: Starts a training in this process; raises `StateError` if another process has claimed it.
        drop: Called with each id of `own` that no longer waits for this process.
        end_dead: Ends trainings whose worker died, which makes room.
    """

    _lock = threading.RLock()
    """Shared by all dispatchers of the process, because an election is between processes. Reentrant, because a listener
    that is notified of a cancelled training may start another one."""

    def __init__(
        self,
        forecast: QueueForecast,
        *,
        own: Callable[[], Collection[str]],
        start: Callable[[Model], None],
        drop: Callable[[str], None],
        end_dead: Callable[[], object],
    ):
        self._queue, self._forecast = forecast.queue, forecast
        self._own, self._start, self._drop, self._end_dead = own, start, drop, end_dead
        self._worker, self._machine = worker_name(), host_of("")
        self.serves = False
        """Whether this process starts the trainings of all users, not only its own."""
        self._thread_lock = threading.Lock()
        self._wake, self._closing = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._renewal_due = 0.0
        self._is_failing = False

    def serve(self) -> None:
        """Start the waiting trainings of all users from now on."""
        self.serves = True
        self.wake()

    def wake(self) -> None:
        """Look for room soon; can be called from any thread."""
        with self._thread_lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name="training dispatcher", daemon=True)
                self._thread.start()
        self._wake.set()

    def close(self) -> None:
        """End the thread, and release the trainings that wait in this process, so that others can start them."""
        self._closing.set()
        self._wake.set()
        with self._thread_lock:  # the end of a training may be starting the thread
            thread = self._thread
        if thread:
            thread.join(CLOSE_SECONDS)
        with suppress(StoreError):  # their reservations expire
            for model_id in self._own():
                self._queue.release(model_id, self._worker)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            try:
                self.dispatch()
            except Exception:  # a defect must not keep the other trainings waiting forever
                log.exception("waiting trainings could not be started")
            waits = self.serves or self._own()
            self._wake.wait(DISPATCH_SECONDS if waits else None)

    def let_go(self, model_id: str) -> None:
        """Release a training that waits in this process and forget it, unless it has just started.

        Raises:
            StoreError: The database is unavailable; the reservation expires.
        """
        with self._lock:
            if model_id in self._own():
                try:
                    self._queue.release(model_id, self._worker)
                finally:
                    self._drop(model_id)

    def dispatch(self) -> None:
        """Start the trainings that fit now; while the database is unavailable, they keep waiting."""
        with self._lock:
            if self._closing.is_set():
                return
            try:
                self._dispatch()
                self._is_failing = False
            except StoreError as error:
                if not self._is_failing:
                    log.warning("waiting trainings start later: %s", error)
                self._is_failing = True

    def _dispatch(self) -> None:
        own = set(self._own())
        load = self._forecast.read()
        waiting = {model.id: model for model in load.waiting}
        for model_id in own:
            if model_id not in waiting or waiting[model_id].worker not in ("", self._worker):
                self._drop(model_id)
        if not waiting:
            return
        self._renew(load)
        if not any(self._may_start(model) for model in load.waiting):
            return
        if self._forecast.next_to_start(self._without_abandoned(load)) is None:
            self._end_dead()
        elif self._is_elected():
            try:
                self._start_all()
            finally:
                self._queue.resign(self._machine, self._worker)

    def _is_elected(self) -> bool:
        """Become the dispatcher of this machine; other processes usually are for some milliseconds only."""
        for _ in range(ELECTION_ATTEMPTS):
            dispatcher = self._queue.elect(self._machine, self._worker, seconds=ELECTION_SECONDS)
            if dispatcher == self._worker:
                return True
            if is_dead(dispatcher):
                self._queue.resign(self._machine, dispatcher)
            elif self._closing.wait(ELECTION_PAUSE):
                break
        return False

    def _renew(self, load: MachineLoad) -> None:
        """Renew what expires; release what is reserved for processes that have ended."""
        for model in load.waiting:
            if model.worker != self._worker and model.worker and is_dead(model.worker):
                self._queue.release(model.id, model.worker)
        if time.monotonic() < self._renewal_due:
            return
        self._renewal_due = time.monotonic() + RENEW_SECONDS
        self._queue.release_expired()
        self._queue.renew(self._own(), self._worker)
        if self.serves:
            self._queue.serve(self._machine, seconds=SERVE_SECONDS)

    def _may_start(self, model: Model) -> bool:
        if model.id in self._own():
            return model.worker in ("", self._worker)
        return self.serves and not model.worker

    def _without_abandoned(self, load: MachineLoad) -> MachineLoad:
        """Remove the trainings that no process would start, so that they do not block the others."""
        if self.serves or self._queue.is_served(self._machine):
            return load
        return replace(load, waiting=[model for model in load.waiting if model.worker or self._may_start(model)])

    def _start_all(self) -> None:
        """Start this process's trainings in their turn; those of other processes keep their places."""
        load = self._without_abandoned(self._forecast.read())
        while (model := self._forecast.next_to_start(load)) is not None:
            if self._may_start(model):
                with suppress(StateError, NotFound):  # cancelled, or claimed by a process of another machine
                    self._start(model)
            waiting = [other for other in load.waiting if other.id != model.id]
            starts = {**load.last_starts, model.owner: time.monotonic()}  # the latest of all
            load = MachineLoad(waiting, [*load.running, model], starts)
