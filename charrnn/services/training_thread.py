"""One training on a thread of this process: the only file that knows where a training runs."""

import logging
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from charrnn.core.batches import Ids
from charrnn.core.cpu_features import cpu_name
from charrnn.core.errors import LeaseLost, NotFound, StoreUnavailable, StudioError
from charrnn.core.records import Checkpoint, ModelState
from charrnn.core.training_events import Event, Listener, LogMessage, MetricsMeasured, TrainingEnded
from charrnn.core.vocabulary import Vocabulary
from charrnn.services.checkpoint_manager import Checkpoints
from charrnn.services.database_retry import PATIENCE_SECONDS, patiently
from charrnn.services.event_recorder import LEASE_SECONDS, Recorder
from charrnn.services.process_identity import worker_name
from charrnn.store.run_history import HistoryStore
from charrnn.store.training_leases import LeaseStore

HASTE_SECONDS = 5.0
"""How long the end of a training waits for its database when the whole program was told to end."""

OUT_OF_MEMORY = (
    "The training ran out of memory. Lower num_seqs or num_steps and resume it; or train a new model with a smaller "
    "lstm_size or num_layers. What it learned up to its last checkpoint is kept."
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """What to train."""

    model_id: str
    load_text: Callable[[], tuple[Ids, Vocabulary]]
    options: dict[str, Any]
    resumes: bool
    trained_on: str | None = None
    """CPU of the model's previous training, `None` if unknown."""
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
        self._tidied = False
        # the first sign of life comes before TensorFlow is imported, which takes seconds
        # and no folder's name is used again, not even when the database has forgotten the training that wrote it
        above = checkpoints.highest_number(task.model_id)
        self._model = leases.claim(task.model_id, worker_name(), seconds=LEASE_SECONDS, cpu=cpu_name(), above=above)
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
            reached = self._train()
            if self._recorder.failure is not None:  # which also was why the training stopped
                raise self._recorder.failure
            is_interrupted = reached == ModelState.STOPPED and self._interrupted
            state = ModelState.INTERRUPTED if is_interrupted else reached
        except StudioError as error:
            message = str(error)
        except MemoryError:
            message = OUT_OF_MEMORY
        except BaseException as error:  # also a callback's sys.exit: whoever waits must learn how it ended
            message, details = _explained(error), traceback.format_exc().rstrip()
        try:
            for text in filter(None, (details, message)):
                self._tell(LogMessage(text, "error"))
        finally:
            self._end(state, message)

    def _train(self) -> ModelState:
        from charrnn.model.training import checkpoint, training_loop

        ids, vocabulary = self._task.load_text()
        resume_from = newest = None
        if self._task.resumes:
            newest, _, problems = self._patiently(
                lambda: self._checkpoints.first_usable(
                    self._model, "newest", lambda path: checkpoint.load(path, with_training=True)
                )
            )
            for problem in problems:
                self._tell(LogMessage(problem, "warning"))
            if problems:  # the next start would not meet what is forgotten now, and could not say so
                self._patiently(self._recorder.deliver)
            self._forget_after(newest.step)
            resume_from = self._checkpoints.path(newest)
            self._compare_cpus()
        state = training_loop.train(
            ids,
            vocabulary,
            self._task.options,
            folder=self._checkpoints.folder(self._model.id),
            number=self._model.epoch,
            emit=self._tell,
            should_stop=self._stop.is_set,
            resume_from=resume_from,
            callbacks=self._task.callbacks,
        )
        if newest:  # it may have ended without a checkpoint of its own
            self._patiently(lambda: self._forget_older(newest))
        return state

    def _compare_cpus(self) -> None:
        """Log when a training resumes on another kind of CPU, where sums of floats round differently."""
        before, now = self._task.trained_on, self._model.cpu
        if before and before != now:
            self._tell(
                LogMessage(f"This training ran on {before} before and resumes on {now}. {_OTHER_DIGITS}", "warning")
            )

    def _end(self, state: ModelState, message: str) -> None:
        """Store the last words, then the state, so that who sees the state sees all of it."""
        step = self._model.step
        try:
            patience = self._patience
            try:
                self._patiently(self._recorder.close)
            except (LeaseLost, NotFound):
                raise
            except Exception as error:
                log.error("what a training said could not be stored", exc_info=error)
                state, message = ModelState.FAILED, _explained(error)
                if isinstance(error, StoreUnavailable):  # it was waited for long enough
                    patience = 0.0
            end = (self._model.id, self._model.epoch, state)
            finish = partial(self._leases.finish, *end, error=message or None)
            step = self._patiently(finish, seconds=lambda: min(patience, self._patience)).step
            self._task.on_delivered()
        except (LeaseLost, NotFound) as error:
            # the training is another worker's and nothing of this one is stored any more, but who listens must know
            state, message = ModelState.INTERRUPTED, str(error)
        except Exception as error:
            log.error("the end of a training could not be stored", exc_info=error)
            state, message = ModelState.INTERRUPTED, f"{message} {_explained(error)} {_UNSTORED}".lstrip()
        self._tell_listeners(TrainingEnded(step, state, message))

    def _patiently[T](self, work: Callable[[], T], *, seconds: Callable[[], float] | None = None) -> T:
        def tell(error: StoreUnavailable) -> None:
            self._tell_listeners(LogMessage(f"{error} It is tried again for {self._patience:,.0f} seconds.", "warning"))

        return patiently(work, seconds=seconds or (lambda: self._patience), on_wait=tell)

    @property
    def _patience(self) -> float:
        return HASTE_SECONDS if self._interrupted else PATIENCE_SECONDS

    def _tell(self, event: Event) -> None:
        if isinstance(event, MetricsMeasured) and self._forgets:
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
        for checkpoint in self._patiently(lambda: self._history.rewind(self._model.id, self._model.epoch, step)):
            self._checkpoints.remove_folder(checkpoint)

    def _forget_older(self, checkpoint: Checkpoint) -> None:
        """Tidy up, now that a newer checkpoint has its folder and its row."""
        self._checkpoints.prune(checkpoint)
        if not self._tidied:
            self._checkpoints.remove_left_over(self._model)
            self._tidied = True


_OTHER_DIGITS = "Its results may differ in the last digits from those of a training that stays on one kind of CPU."


_UNSTORED = "How the training ended is not stored; it will show as interrupted, and can be resumed."


def _explained(error: BaseException) -> str:
    name = type(error).__name__
    if name == "ResourceExhaustedError":
        return OUT_OF_MEMORY
    if isinstance(error, StudioError):
        return str(error)
    first = (str(error).splitlines() or [""])[0]
    return (
        f"The training ended by an error: {name}: {first}. The log holds the whole of it. Mend its cause and resume; "
        "what was learned up to the last checkpoint is kept."
    )
