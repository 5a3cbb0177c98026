"""Train one model on a thread of this process."""

import logging
import threading
import traceback
from collections.abc import Callable
from functools import partial

from charrnn.core.batches import Ids
from charrnn.core.cpu_info import cpu_name
from charrnn.core.errors import LeaseLost, NotFound, StoreUnavailable, StudioError
from charrnn.core.records import Checkpoint, Model, ModelState
from charrnn.core.training_events import Event, LogMessage, MetricsMeasured, TrainingEnded
from charrnn.core.vocabulary import Vocabulary
from charrnn.services.checkpoint_manager import CheckpointManager
from charrnn.services.database_retry import RETRY_SECONDS, retry_while_unavailable
from charrnn.services.event_recorder import LEASE_SECONDS, EventRecorder
from charrnn.services.process_identity import worker_name
from charrnn.services.training_request import TrainingRequest
from charrnn.store.run_history import HistoryStore
from charrnn.store.training_leases import LeaseStore

SHUTDOWN_RETRY_SECONDS = 5.0
"""Time for which storing the end of a training is retried while the program shuts down."""

OUT_OF_MEMORY = (
    "The training ran out of memory. Lower num_seqs or num_steps and resume it, or train a new model with a smaller "
    "lstm_size or fewer num_layers. Its last checkpoint is kept."
)

OTHER_CPU = "Its results can differ in the last digits from a training that stays on one kind of CPU."
END_NOT_STORED = "The end of the training could not be stored; it will be shown as interrupted and can be resumed."

log = logging.getLogger(__name__)


class TrainingThread:
    """Train one model; the thread starts immediately and ends with the training.

    Args:
        model: The queued model.
        request: The training.
        load_text: Loads the encoded text and its vocabulary.
        leases: Claims the model and stores how the training ended.
        history: Stores logs, metrics and samples.
        checkpoints: Stores checkpoint folders.
        on_stored: Called after log lines, samples, checkpoints or the end of the training were stored.

    Raises:
        StateError: The model is no longer queued.
    """

    def __init__(
        self,
        model: Model,
        request: TrainingRequest,
        load_text: Callable[[], tuple[Ids, Vocabulary]],
        leases: LeaseStore,
        history: HistoryStore,
        checkpoints: CheckpointManager,
        *,
        on_stored: Callable[[], None] = lambda: None,
    ):
        self._request, self._load_text, self._on_stored = request, load_text, on_stored
        self._leases, self._history, self._checkpoints = leases, history, checkpoints
        self._stop = threading.Event()
        self._interrupted = False
        self._listeners = list(request.listeners)
        self._previous_cpu = model.cpu
        self._replaces_history = not request.resumes
        self._cleaned_up = False
        # Claim the model before importing TensorFlow, which takes seconds: a queued model that is not claimed soon is
        # marked as interrupted. Folder names are never reused, even if the database lost the training that wrote them.
        above = checkpoints.highest_number(model.id)
        self._model = leases.claim(model.id, worker_name(), seconds=LEASE_SECONDS, cpu=cpu_name(), above=above)
        self._recorder = EventRecorder(
            history,
            self._model,
            on_stop_request=self._stop.set,
            on_saved=self._prune,
            on_delivered=on_stored,
        )
        self._thread = threading.Thread(target=self._work, name=f"training {model.id}", daemon=True)
        self._thread.start()

    def stop(self, *, interrupt: bool = False) -> None:
        """Request that the training save a checkpoint and stop after the current step.

        Args:
            interrupt: Whether to end as `interrupted` instead of `stopped`.
        """
        self._interrupted |= interrupt
        self._stop.set()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the training has ended; return whether it did within `timeout` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        state, message, details = ModelState.FAILED, "", ""
        try:
            final_state = self._train()
            if self._recorder.failure is not None:  # it also stopped the training
                raise self._recorder.failure
            is_interrupted = final_state == ModelState.STOPPED and self._interrupted
            state = ModelState.INTERRUPTED if is_interrupted else final_state
        except StudioError as error:
            message = str(error)
        except MemoryError:
            message = OUT_OF_MEMORY
        except BaseException as error:  # includes sys.exit() in a callback: waiting callers need the reason
            message, details = _describe(error), traceback.format_exc().rstrip()
        try:
            for text in filter(None, (details, message)):
                self._emit(LogMessage(text, "error"))
        finally:
            self._end(state, message)

    def _train(self) -> ModelState:
        from charrnn.model import training

        ids, vocabulary = self._load_text()
        resume_from = newest = None
        if self._request.resumes:
            newest, _, problems = self._retry(
                lambda: self._checkpoints.first_usable(
                    self._model, "newest", lambda path: training.checkpoint.load(path, with_training=True)
                )
            )
            for problem in problems:
                self._emit(LogMessage(problem, "warning"))
            if problems:  # the rewind below discards these checkpoints, so store the warnings first
                self._retry(self._recorder.deliver)
            self._discard_after(newest.step)
            resume_from = self._checkpoints.path(newest)
            self._compare_cpus()
        state = training.training_loop.train(
            ids,
            vocabulary,
            dict(self._request.options),
            folder=self._checkpoints.folder(self._model.id),
            number=self._model.epoch,
            emit=self._emit,
            should_stop=self._stop.is_set,
            resume_from=resume_from,
            callbacks=self._request.callbacks,
        )
        if newest:  # the training may have ended before it wrote a checkpoint
            self._retry(lambda: self._prune(newest))
        return state

    def _compare_cpus(self) -> None:
        """Log a warning if a training resumes on another kind of CPU, where sums of floats round differently."""
        before, now = self._previous_cpu, self._model.cpu
        if before and before != now:
            self._emit(LogMessage(f"This training started on {before} and resumes on {now}. {OTHER_CPU}", "warning"))

    def _end(self, state: ModelState, message: str) -> None:
        """Store the remaining events, then the final state: a reader that sees the state also sees all events."""
        step = self._model.step
        try:
            retry_seconds = self._retry_seconds
            try:
                self._retry(self._recorder.close)
            except (LeaseLost, NotFound):
                raise
            except Exception as error:
                log.error("the events of a training could not be stored", exc_info=error)
                state, message = ModelState.FAILED, _describe(error)
                if isinstance(error, StoreUnavailable):  # the retries are used up
                    retry_seconds = 0.0
            end = (self._model.id, self._model.epoch, state)
            finish = partial(self._leases.finish, *end, error=message or None)
            step = self._retry(finish, seconds=lambda: min(retry_seconds, self._retry_seconds)).step
            self._on_stored()
        except (LeaseLost, NotFound) as error:
            # Another worker owns the training, so nothing more is stored; listeners still receive the end.
            state, message = ModelState.INTERRUPTED, str(error)
        except Exception as error:
            log.error("the end of a training could not be stored", exc_info=error)
            state, message = ModelState.INTERRUPTED, f"{message} {_describe(error)} {END_NOT_STORED}".lstrip()
        self._notify_listeners(TrainingEnded(step, state, message))

    def _retry[T](self, work: Callable[[], T], *, seconds: Callable[[], float] | None = None) -> T:
        def warn(error: StoreUnavailable) -> None:
            self._notify_listeners(LogMessage(f"{error} Retrying for {self._retry_seconds:,.0f} seconds.", "warning"))

        return retry_while_unavailable(work, seconds=seconds or (lambda: self._retry_seconds), on_wait=warn)

    @property
    def _retry_seconds(self) -> float:
        return SHUTDOWN_RETRY_SECONDS if self._interrupted else RETRY_SECONDS

    def _emit(self, event: Event) -> None:
        if isinstance(event, MetricsMeasured) and self._replaces_history:
            # Keep the results of an earlier training until this one has completed a step.
            self._replaces_history = False
            self._discard_after(0)
        self._recorder.record(event)
        self._notify_listeners(event)

    def _notify_listeners(self, event: Event) -> None:
        """Call all listeners, then raise the first error; a listener that raised is not called again."""
        errors = []
        for listener in list(self._listeners):
            try:
                listener(event)
            except Exception as error:
                self._listeners.remove(listener)
                errors.append(error)
        if errors:
            raise errors[0]

    def _discard_after(self, step: int) -> None:
        for checkpoint in self._retry(lambda: self._history.rewind(self._model.id, self._model.epoch, step)):
            self._checkpoints.remove_folder(checkpoint)

    def _prune(self, checkpoint: Checkpoint) -> None:
        """Remove older checkpoints after a newer one has been stored."""
        self._checkpoints.prune(checkpoint)
        if not self._cleaned_up:
            self._checkpoints.remove_leftovers(self._model)
            self._cleaned_up = True


def _describe(error: BaseException) -> str:
    name = type(error).__name__
    if name == "ResourceExhaustedError":
        return OUT_OF_MEMORY
    if isinstance(error, StudioError):
        return str(error)
    first = (str(error).splitlines() or [""])[0]
    return (
        f"Training failed: {name}: {first}. See the log for details, fix the cause and resume from the last checkpoint."
    )
