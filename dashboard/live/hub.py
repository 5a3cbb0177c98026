"""Follows models for all sessions of this process: one thread, one follower a model, however many look.

Knows threads and services, never pages: whoever looks is woken by a function and reads when it has its lock.
"""

import threading
import time
from collections.abc import Callable

from charrnn.core.baselines import Baselines
from charrnn.core.records import ACTIVE, Curve, Model
from charrnn.services import Services
from dashboard.live.database_status import Outage
from dashboard.live.model_feed import Feed, seen
from dashboard.live.update_throttle import Pace

Wake = Callable[[], None]

ACTIVE_SECONDS, IDLE_SECONDS = 0.125, 1.0
"""Time between two looks at a model that another process trains, and at everything else."""
DEATH_SECONDS = 5.0
"""Time between two searches for trainings whose worker is gone."""


class Hub:
    """Looks at models while anybody looks at the page; its thread sleeps when nobody does."""

    def __init__(self, services: Services):
        self._services = services
        self._lock = threading.Condition()
        self._looking: dict[Wake, str] = {}
        self._feeds: dict[str, Feed] = {}
        self._closed = False
        self.loading = False
        """Whether TensorFlow is being imported."""
        self.outage = Outage(self._wake_all)
        self.models: list[Model] = []
        self.models_version = 0
        self._models_due = self._deaths_due = 0.0
        self._pace, self._steps_differ = Pace(), False
        self._baselines: dict[str, Baselines] = {}
        self._measuring = threading.Lock()
        self._validations: dict[str, tuple[int, Curve]] = {}
        self._thread = threading.Thread(target=self._look_around, name="dashboard hub", daemon=True)
        self._thread.start()

    def join(self, wake: Wake) -> None:
        """Have `wake` called on news; it must return at once."""
        with self._lock:
            self._looking[wake] = ""
            self._models_due = 0.0
            self._lock.notify()

    def look(self, wake: Wake, model_id: str) -> None:
        """Follow a model for who joined with `wake`; an empty id ends it."""
        with self._lock:
            self._looking[wake] = model_id
            if model_id and model_id not in self._feeds:
                self._feeds[model_id] = Feed(self._services, model_id, lambda: self._read_now(model_id))
            self._drop_unwatched()
            self._lock.notify()

    def leave(self, wake: Wake) -> None:
        """Forget who joined with `wake`."""
        with self._lock:
            self._looking.pop(wake, None)
            self._drop_unwatched()

    def feed(self, wake: Wake) -> Feed | None:
        """Return what whoever joined with `wake` looks at."""
        with self._lock:
            return self._feeds.get(self._looking.get(wake, ""))

    def load(self, prepare: Callable[[], None]) -> None:
        """Import what is slow to import on a thread of its own, and let everybody know while it lasts."""

        def work() -> None:
            self._tell_loading(True)
            try:
                prepare()
            finally:
                self._tell_loading(False)

        threading.Thread(target=work, name="dashboard preparation", daemon=True).start()

    def _tell_loading(self, loading: bool) -> None:
        self.loading = loading
        self._wake_all()

    def _wake_all(self) -> None:
        with self._lock:
            wakes = list(self._looking)
        for wake in wakes:
            wake()

    def hurry(self) -> None:
        """Look again now, after somebody changed something."""
        with self._lock:
            self._models_due = 0.0
            for feed in self._feeds.values():
                feed.due = 0.0
            self._lock.notify()

    def validation(self, model: Model) -> Curve:
        """Return a model's validation losses; only what is new since the last call in this process is read."""
        epoch, curve = self._validations.get(model.id, (model.epoch, Curve()))
        if epoch != model.epoch or curve.last_step > model.step:  # it was resumed, maybe from an earlier step
            curve = Curve()
        curve = curve.extended(self._services.models.curve(model.id, "val_loss", after_step=curve.last_step))
        self._validations[model.id] = model.epoch, curve
        return curve

    def _read_now(self, model_id: str) -> None:
        """Read a model that is trained in this process, because something new was stored."""
        with self._lock:
            if feed := self._feeds.get(model_id):
                feed.due = 0.0
                self._lock.notify()

    def baselines(self, corpus_id: str) -> Baselines:
        """Return what simple guessers reach on a text; measured once a process, which takes seconds."""
        with self._measuring:
            if corpus_id not in self._baselines:
                self._baselines[corpus_id] = self._services.corpora.baselines(corpus_id)
            return self._baselines[corpus_id]

    @property
    def num_sessions(self) -> int:
        """How many look at the page."""
        return len(self._looking)

    @property
    def num_feeds(self) -> int:
        """How many models are followed."""
        return len(self._feeds)

    def close(self) -> None:
        """End the thread."""
        with self._lock:
            self._closed = True
            self._lock.notify()
        self._thread.join()
        self.outage.close()

    def _look_around(self) -> None:
        while True:
            with self._lock:
                while not self._closed and not self._looking:
                    self._lock.wait()
                if self._closed:
                    return
                feeds = list(self._feeds.values())
            changed: set[str] = set()
            all_changed = False
            with self.outage.asking():
                changed = {feed.model_id for feed in feeds if self._has_news(feed)}
                all_changed = self._refresh_models()
            with self._lock:
                wakes = [wake for wake, model_id in self._looking.items() if all_changed or model_id in changed]
            for wake in wakes:
                wake()
            with self._lock:
                due = min([self._models_due, *(feed.due for feed in self._feeds.values())])
                if not self._closed and (seconds := due - time.monotonic()) > 0:
                    self._lock.wait(seconds)

    def _has_news(self, feed: Feed) -> bool:
        """Look at a model, if it is time."""
        return self._is_due(feed) and feed.refresh()

    def _is_due(self, feed: Feed) -> bool:
        now = time.monotonic()
        if now < feed.due:
            return False
        # a training of this process announces what it stores, and numbers can wait
        waits = feed.model is not None and (feed.model.state not in ACTIVE or feed.is_local)
        feed.due = max(now + IDLE_SECONDS, feed.numbers_due) if waits else now + ACTIVE_SECONDS
        return True

    def _refresh_models(self) -> bool:
        now = time.monotonic()
        if now < self._models_due:
            return False
        self._models_due = now + IDLE_SECONDS
        if now >= self._deaths_due:
            self._deaths_due = now + DEATH_SECONDS
            self._services.training.end_dead()
        models = self._services.models.all()
        self.outage.say("")
        before, self.models = self.models, models
        same = self.models_version and [seen(m) for m in models] == [seen(m) for m in before]
        self._steps_differ |= [m.step for m in models] != [m.step for m in before]
        self._hurry_for(models)
        if same and not (self._steps_differ and self._pace.is_due()):
            return False
        self._steps_differ = False
        self.models_version += 1
        return True

    def _hurry_for(self, models: list[Model]) -> None:
        """Have those looked at now that are not as they were seen last, whoever changed them."""
        now_seen = {model.id: seen(model) for model in models}
        with self._lock:
            for feed in self._feeds.values():
                if feed.model is not None and now_seen.get(feed.model_id) != seen(feed.model):
                    feed.due = 0.0

    def _drop_unwatched(self) -> None:
        for model_id in self._feeds.keys() - set(self._looking.values()):
            self._feeds.pop(model_id).close()
