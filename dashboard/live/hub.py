"""Follow models for all sessions of this process, with one thread, and one follower per model.

A session subscribes with a function that wakes it up. It reads what is new when it holds the lock of its page.
"""

import threading
import time
from collections.abc import Callable

from charrnn.core.baselines import Baselines
from charrnn.core.records import ACTIVE, Curve, Model, ModelState
from charrnn.services import Services
from charrnn.services.training_queue import QueueEntry
from dashboard.live.database_status import DatabaseStatus
from dashboard.live.model_feed import ModelFeed, shown_fields
from dashboard.live.update_throttle import UpdateThrottle

Wake = Callable[[], None]

ACTIVE_SECONDS, IDLE_SECONDS = 0.125, 1.0
"""Time between two refreshes of a model that another process trains, and of everything else."""
DEAD_WORKERS_SECONDS = 5.0
"""Time between two checks for trainings whose worker died."""
QUEUE_SECONDS = 3.0
"""Time between two estimates of when waiting trainings start."""


class Hub:
    """Refreshes models while there are sessions; otherwise, its thread sleeps."""

    def __init__(self, services: Services):
        self._services = services
        self._lock = threading.Condition()
        self._followed: dict[Wake, str] = {}
        self._feeds: dict[str, ModelFeed] = {}
        self._closed = False
        self.is_loading = False
        """Whether TensorFlow is being imported."""
        self.database = DatabaseStatus(self._wake_all)
        self.models: list[Model] = []
        self.models_version = 0
        self.queue: dict[str, QueueEntry] = {}
        """The waiting trainings by the ID of their model, in the order in which they start."""
        self._models_due = self._dead_workers_due = self._queue_due = 0.0
        self._throttle, self._steps_differ = UpdateThrottle(), False
        self._baselines: dict[str, Baselines] = {}
        self._baselines_lock = threading.Lock()
        self._validation_curves: dict[str, tuple[int, Curve]] = {}
        self._thread = threading.Thread(target=self._run, name="dashboard hub", daemon=True)
        self._thread.start()

    def subscribe(self, wake: Wake) -> None:
        """Call `wake` from any thread whenever something has changed; it must not block."""
        with self._lock:
            self._followed[wake] = ""
            self._models_due = 0.0
            self._lock.notify()

    def follow(self, wake: Wake, model_id: str) -> None:
        """Follow a model for a subscriber; an empty ID means none."""
        with self._lock:
            self._followed[wake] = model_id
            if model_id and model_id not in self._feeds:
                self._feeds[model_id] = ModelFeed(self._services, model_id, lambda: self._read_soon(model_id))
            self._drop_unfollowed()
            self._lock.notify()

    def unsubscribe(self, wake: Wake) -> None:
        """Remove a subscriber."""
        with self._lock:
            self._followed.pop(wake, None)
            self._drop_unfollowed()

    def feed(self, wake: Wake) -> ModelFeed | None:
        """Return the feed of the model that a subscriber follows; `None` if there is none."""
        with self._lock:
            return self._feeds.get(self._followed.get(wake, ""))

    def load(self, prepare: Callable[[], None]) -> None:
        """Run slow imports on a background thread, while all pages show that they are running."""

        def run() -> None:
            self._set_loading(True)
            try:
                prepare()
            finally:
                self._set_loading(False)

        threading.Thread(target=run, name="dashboard preparation", daemon=True).start()

    def _set_loading(self, is_loading: bool) -> None:
        self.is_loading = is_loading
        self._wake_all()

    def _wake_all(self) -> None:
        with self._lock:
            wakes = list(self._followed)
        for wake in wakes:
            wake()

    def refresh(self) -> None:
        """Refresh everything now; call this after a change."""
        with self._lock:
            self._models_due = self._queue_due = 0.0
            for feed in self._feeds.values():
                feed.due = 0.0
            self._lock.notify()

    def validation_curve(self, model: Model) -> Curve:
        """Return a model's validation losses; reads only those that are new since the last call."""
        epoch, curve = self._validation_curves.get(model.id, (model.epoch, Curve()))
        if epoch != model.epoch or curve.last_step > model.step:  # resumed, possibly from an earlier step
            curve = Curve()
        curve = curve.extended(self._services.models.curve(model.id, "val_loss", after_step=curve.last_step))
        self._validation_curves[model.id] = model.epoch, curve
        return curve

    def _read_soon(self, model_id: str) -> None:
        """Refresh a model that this process trains, because something was stored."""
        with self._lock:
            if feed := self._feeds.get(model_id):
                feed.due = 0.0
                self._lock.notify()

    def baselines(self, corpus_id: str) -> Baselines:
        """Return the baselines of a corpus, which are computed once per process; this takes seconds."""
        with self._baselines_lock:
            if corpus_id not in self._baselines:
                self._baselines[corpus_id] = self._services.corpora.baselines(corpus_id)
            return self._baselines[corpus_id]

    @property
    def num_sessions(self) -> int:
        """Number of subscribers."""
        return len(self._followed)

    @property
    def num_feeds(self) -> int:
        """Number of followed models."""
        return len(self._feeds)

    def close(self) -> None:
        """Stop the thread."""
        with self._lock:
            self._closed = True
            self._lock.notify()
        self._thread.join()
        self.database.close()

    def _run(self) -> None:
        while True:
            with self._lock:
                while not self._closed and not self._followed:
                    self._lock.wait()
                if self._closed:
                    return
                feeds = list(self._feeds.values())
            changed: set[str] = set()
            all_changed = False
            with self.database.query():
                changed = {feed.model_id for feed in feeds if self._is_due(feed) and feed.refresh()}
                all_changed = self._refresh_models()
            with self._lock:
                wakes = [wake for wake, model_id in self._followed.items() if all_changed or model_id in changed]
            for wake in wakes:
                wake()
            with self._lock:
                due = min([self._models_due, *(feed.due for feed in self._feeds.values())])
                if not self._closed and (seconds := due - time.monotonic()) > 0:
                    self._lock.wait(seconds)

    def _is_due(self, feed: ModelFeed) -> bool:
        now = time.monotonic()
        if now < feed.due:
            return False
        # A training of this process reports what it has stored; only its curves are polled.
        can_wait = feed.model is not None and (feed.model.state not in ACTIVE or feed.is_local)
        feed.due = max(now + IDLE_SECONDS, feed.curves_due) if can_wait else now + ACTIVE_SECONDS
        return True

    def _refresh_models(self) -> bool:
        now = time.monotonic()
        if now < self._models_due:
            return False
        self._models_due = now + IDLE_SECONDS
        if now >= self._dead_workers_due:
            self._dead_workers_due = now + DEAD_WORKERS_SECONDS
            self._services.training.end_dead()
        models = self._services.models.all()
        self.database.set("")
        before, self.models = self.models, models
        same = self.models_version and [shown_fields(m) for m in models] == [shown_fields(m) for m in before]
        self._steps_differ |= [m.step for m in models] != [m.step for m in before]
        self._refresh_changed(models)
        same = not self._refresh_queue(models, changed=not same) and same
        if same and not (self._steps_differ and self._throttle.is_due()):
            return False
        self._steps_differ = False
        self.models_version += 1
        return True

    def _refresh_queue(self, models: list[Model], *, changed: bool) -> bool:
        """Estimate when waiting trainings start; return whether that differs from what pages show."""
        if time.monotonic() < self._queue_due and not changed:
            return False
        self._queue_due = time.monotonic() + QUEUE_SECONDS
        waits = any(model.state == ModelState.QUEUED for model in models)
        entries = self._services.queue.entries() if waits else []
        shown = [str(entry) for entry in self.queue.values()]
        before, self.queue = list(self.queue), {entry.model.id: entry for entry in entries}
        return (before, shown) != (list(self.queue), [str(entry) for entry in entries])

    def _refresh_changed(self, models: list[Model]) -> None:
        """Refresh the followed models that this process or another one has changed."""
        current = {model.id: shown_fields(model) for model in models}
        with self._lock:
            for feed in self._feeds.values():
                if feed.model is not None and current.get(feed.model_id) != shown_fields(feed.model):
                    feed.due = 0.0

    def _drop_unfollowed(self) -> None:
        for model_id in self._feeds.keys() - set(self._followed.values()):
            self._feeds.pop(model_id).close()
