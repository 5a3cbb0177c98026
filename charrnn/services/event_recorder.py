"""Write the events of a training to the database on a background thread, so that the training never waits for it."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from charrnn.core.errors import LeaseLost, NotFound, StoreError
from charrnn.core.records import Checkpoint, Metric, Model, Sample
from charrnn.core.training_events import (
    CheckpointSaved,
    Event,
    LogMessage,
    MetricsMeasured,
    SampleGenerated,
    SchedulePlanned,
)
from charrnn.store.row_conversion import new_id
from charrnn.store.run_history import HistoryBatch, HistoryStore

WRITE_SECONDS, METRICS_WRITE_SECONDS = 0.25, 0.75
"""Intervals between writes, in seconds: with log lines, samples or checkpoints, and with metrics only. Each write
renews the lease and checks for a stop request."""
LEASE_SECONDS = 50.0
"""Duration of the lease, in seconds. Expired leases are checked every few seconds, so a dead worker is found within a
minute."""

log = logging.getLogger(__name__)


class EventRecorder:
    """Buffer the events of one training and store them in order, each exactly once.

    Args:
        history: Stores the events.
        model: The claimed model; its epoch fences every write.
        on_stop_request: Called when a user has requested a stop, or when events can no longer be stored.
        on_saved: Called with each checkpoint after its row was stored.
        on_delivered: Called after log lines, samples or checkpoints were stored; must return immediately.
    """

    def __init__(
        self,
        history: HistoryStore,
        model: Model,
        *,
        on_stop_request: Callable[[], None],
        on_saved: Callable[[Checkpoint], None],
        on_delivered: Callable[[], None] = lambda: None,
    ):
        self._history, self._model = history, model
        self._on_stop_request, self._on_saved, self._on_delivered = on_stop_request, on_saved, on_delivered
        self._lock = threading.Lock()  # guards the buffers
        self._delivery = threading.Lock()  # one write at a time, in order
        self._lines: list[tuple[str, str]] = []
        self._metrics: list[Metric] = []
        self._samples: list[Sample] = []
        self._checkpoints: list[Checkpoint] = []
        self._undelivered: HistoryBatch | None = None
        self._next_position = model.log_position + 1
        self._step: int | None = None
        self._max_steps: int | None = None
        self._monitored = "val_loss" if model.train_params.get("val_fraction", 1) else "loss"
        self._best_loss: float | None = None
        self.lost: LeaseLost | NotFound | None = None
        """Set when another worker has taken over the training, or the model was purged."""
        self.failure: BaseException | None = None
        """Set when a write failed for a reason that a retry cannot fix."""
        self._is_failing = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._deliver_regularly, name=f"recorder {model.id}", daemon=True)
        self._thread.start()

    def record(self, event: Event) -> None:
        """Buffer an event. Fast, and safe to call from any thread."""
        now = _now()
        with self._lock:
            match event:
                case LogMessage(text, level):
                    self._lines += [(line, level) for line in text.splitlines() or [""]]
                case MetricsMeasured(step, values):
                    self._step = step
                    self._metrics += [Metric(step, name, value, now) for name, value in values.items()]
                    if (loss := values.get(self._monitored)) is not None:
                        self._best_loss = loss if self._best_loss is None else min(loss, self._best_loss)
                case SchedulePlanned(_, total):
                    self._max_steps = total
                case SampleGenerated(step, text, options):
                    self._samples.append(Sample(new_id(), self._model.id, step, text, options, now))
                case CheckpointSaved(step, kind, loss, folder, size):
                    self._checkpoints.append(Checkpoint(new_id(), self._model.id, step, kind, loss, folder, size, now))

    def deliver(self) -> None:
        """Store all buffered events now.

        Raises:
            LeaseLost: Another worker owns the training.
            StoreError: The database cannot be reached; the events are kept for the next write.
        """
        with self._delivery:
            if self._undelivered is not None:
                self._send(self._undelivered)
            self._undelivered = self._take()
            self._send(self._undelivered)

    def _send(self, batch: HistoryBatch) -> None:
        stop = self._history.append(self._model.id, self._model.epoch, batch, seconds=LEASE_SECONDS)
        self._undelivered = None
        self._next_position += len(batch.lines)
        for checkpoint in batch.checkpoints:
            self._on_saved(checkpoint)
        if batch.lines or batch.samples or batch.checkpoints:
            self._on_delivered()
        if stop:
            self._on_stop_request()

    def close(self) -> None:
        """Store the remaining events and end the thread.

        Raises:
            LeaseLost: Another worker owns the training.
            StoreError: The database cannot be reached.
        """
        self._closing.set()
        self._thread.join()
        self.deliver()

    def _deliver_regularly(self) -> None:
        delivered = time.monotonic()
        while not self._closing.wait(WRITE_SECONDS):
            if not self._has_more_than_metrics and time.monotonic() < delivered + METRICS_WRITE_SECONDS:
                continue  # metrics can wait: each write takes CPU time from the training
            delivered = time.monotonic()
            try:
                self.deliver()
                self._is_failing = False
            except (LeaseLost, NotFound) as lost:  # taken over, or purged
                self.lost = lost
                self._on_stop_request()
                return
            except StoreError as error:  # the events are kept and written later
                self._warn(error)
            except BaseException as error:  # a bug: the training fails with this error
                self.failure = error
                self._on_stop_request()
                return

    def _warn(self, error: StoreError) -> None:
        """Log the first of several failed writes."""
        if not self._is_failing:
            details = error if error.unexpected else None
            log.warning("events of training %s will be stored later: %s", self._model.id, error, exc_info=details)
        self._is_failing = True

    @property
    def _has_more_than_metrics(self) -> bool:
        """Whether anything but metrics is buffered."""
        return bool(self._lines or self._samples or self._checkpoints or self._undelivered)

    def _take(self) -> HistoryBatch:
        with self._lock:
            batch = HistoryBatch(
                first_position=self._next_position,
                lines=self._lines,
                metrics=self._metrics,
                samples=self._samples,
                checkpoints=self._checkpoints,
                step=self._step,
                best_loss=self._best_loss,
                max_steps=self._max_steps,
            )
            self._lines, self._metrics, self._samples, self._checkpoints = [], [], [], []
            self._max_steps = None
        return batch


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
