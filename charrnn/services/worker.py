"""One training on a thread of this process: the only file that knows where a training runs."""

import os
import socket
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from charrnn.core.batches import Ids
from charrnn.core.errors import LeaseLost, StoreError, StudioError
from charrnn.core.events import Ended, Event, Listener, Measured, Said
from charrnn.core.records import Checkpoint, ModelState
from charrnn.core.vocabulary import Vocabulary
from charrnn.services.checkpoints import Checkpoints
from charrnn.services.recorder import LEASE_SECONDS, Recorder
from charrnn.store.history import HistoryStore
from charrnn.store.leases import LeaseStore


@dataclass(frozen=True)
class Task:
    """What to train."""

    model_id: str
    load_text: Callable[[], tuple[Ids, Vocabulary]]
    options: dict[str, Any]
    resumes: bool
    callbacks: Sequence[Any] = ()
    """Keras callbacks."""
    listeners: Sequence[Listener] = ()
    on_delivered: Callable[[], None] = lambda: None
    """Called when lines, samples, checkpoints or the end of the training were stored."""


class Worker:
    """Trains one model; the thread starts at once and ends with the training.

    Args:
        task: What to do; its model must be queued.
        leases: Where it is claimed and ended.
        history: Where what it says goes.
        checkpoints: Where what it learned goes.

    Raises:
        StateError: The model is not queued any more.
    """

    def __init__(self, task: Task, leases: LeaseStore, history: HistoryStore, checkpoints: Checkpoints):
        self._task, self._leases, self._history, self._checkpoints = task, leases, history, checkpoints
        self._stop = threading.Event()
        self._interrupted = False
        self._listeners = list(task.listeners)
        self._forgets = not task.resumes
        # the first sign of life comes before TensorFlow is imported, which takes seconds
        self._model = leases.claim(task.model_id, worker_name(), seconds=LEASE_SECONDS)
        self._recorder = Recorder(
            history,
            self._model,
            on_stop_request=self._stop.set,
            on_saved=self._forget_older,
            on_delivered=task.on_delivered,
        )
        self._thread = threading.Thread(target=self._work, name=f"training {task.model_id}", daemon=True)
        self._thread.start()

    def stop(self, *, interrupt: bool = False) -> None:
        """Ask the training to save and end after the step under way; `interrupt` marks it as not the user's wish."""
        self._interrupted |= interrupt
        self._stop.set()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end; tell whether it came."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        state, message, details = ModelState.FAILED, "", ""
        try:
            state = self._train()
            if state == ModelState.STOPPED and self._interrupted:
                state = ModelState.INTERRUPTED
        except StudioError as error:
            message = str(error)
        except MemoryError:
            message = "The training ran out of memory. Lower num_seqs, num_steps, lstm_size or num_layers."
        except BaseException as error:  # also a callback's sys.exit: whoever waits must learn how it ended
            message, details = _explained(error), traceback.format_exc().rstrip()
        try:
            for text in filter(None, (details, message)):
                self._tell(Said(text, "error"))
        finally:
            self._end(state, message)

    def _train(self) -> ModelState:
        from charrnn.model import checkpoint, training

        ids, vocabulary = self._task.load_text()
        resume_from = None
        if self._task.resumes:
            newest, _, problems = self._checkpoints.first_usable(
                self._model, "newest", lambda path: checkpoint.load(path, with_training=True)
            )
            for problem in problems:
                self._tell(Said(problem, "warning"))
            self._forget_after(newest.step)
            resume_from = self._checkpoints.path(newest)
        return training.train(
            ids,
            vocabulary,
            self._task.options,
            folder=self._checkpoints.folder(self._model.id),
            number=self._model.epoch,
            tell=self._tell,
            should_stop=self._stop.is_set,
            resume_from=resume_from,
            callbacks=self._task.callbacks,
        )

    def _end(self, state: ModelState, message: str) -> None:
        """Store the last words, then the state, so that who sees the state sees all of it."""
        try:
            try:
                _patiently(self._recorder.close)
            except LeaseLost:
                raise
            except Exception as error:
                state, message = ModelState.FAILED, _explained(error)
            model = _patiently(
                lambda: self._leases.finish(self._model.id, self._model.epoch, state, error=message or None)
            )
        except LeaseLost as error:
            # the training is another worker's and nothing of this one is stored any more, but who listens must know
            self._tell_listeners(Ended(self._model.step, ModelState.INTERRUPTED, str(error)))
            return
        self._task.on_delivered()
        self._tell_listeners(Ended(model.step, state, message))

    def _tell(self, event: Event) -> None:
        if isinstance(event, Measured) and self._forgets:
            # what an earlier training learned goes only now, when this one is known to work
            self._forgets = False
            self._forget_after(0)
        self._recorder.note(event)
        self._tell_listeners(event)

    def _tell_listeners(self, event: Event) -> None:
        """Tell all of them, then raise the first error; who has failed is not asked again."""
        errors = []
        for listener in list(self._listeners):
            try:
                listener(event)
            except Exception as error:
                self._listeners.remove(listener)
                errors.append(error)
        if errors:
            raise errors[0]

    def _forget_after(self, step: int) -> None:
        for checkpoint in _patiently(lambda: self._history.rewind(self._model.id, self._model.epoch, step)):
            self._checkpoints.remove_folder(checkpoint)

    def _forget_older(self, checkpoint: Checkpoint) -> None:
        self._checkpoints.prune(checkpoint)


def worker_name() -> str:
    """Name this process in a lease: host, process id and a token, since process ids come again."""
    return f"{socket.gethostname()}:{os.getpid()}:{_TOKEN}"


def is_dead(worker: str) -> bool:
    """Tell whether a worker is certainly gone: it ran on this host and its process is no more."""
    host, _, rest = worker.partition(":")
    pid, _, token = rest.partition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return token != _TOKEN
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


_TOKEN = uuid.uuid4().hex[:12]


def _patiently[T](deliver: Callable[[], T]) -> T:
    """Try again each second while the database is away, for ten minutes: a restart of it must not cost a training."""
    for _ in range(600):
        try:
            return deliver()
        except StoreError:
            time.sleep(1)
    return deliver()


def _explained(error: BaseException) -> str:
    name = type(error).__name__
    if name == "ResourceExhaustedError":
        return "The training ran out of memory. Lower num_seqs, num_steps, lstm_size or num_layers."
    first = (str(error).splitlines() or [""])[0]
    return f"The training ended by an error: {name}: {first}. The log holds the whole of it."
