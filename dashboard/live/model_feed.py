"""Cache the history of a model for all sessions, refreshed on the hub's thread."""

import logging
from collections import deque
from collections.abc import Callable

from charrnn.core.errors import NotFound, StoreError
from charrnn.core.records import ACTIVE, Curve, LogLine, Model, Sample
from charrnn.services import Services
from charrnn.services.training_follower import TrainingFollower
from dashboard.live.update_throttle import UpdateThrottle

MAX_LINES = 1000
"""Maximum number of cached log lines per model."""
CURVES = ("loss", "val_loss")
"""Metrics that are cached, of all that a model can have."""

log = logging.getLogger(__name__)


class ModelHistory:
    """A model with its newest log lines, its samples and its curves.

    Curves only grow, since a resumed training gets a new history. They can be read without a lock, since a curve is
    never modified, but replaced by a longer one.
    """

    def __init__(self, model: Model, lines: list[LogLine], samples: list[Sample]):
        self.model = model
        self.lines: deque[LogLine] = deque(lines, maxlen=MAX_LINES)
        self.samples: dict[str, Sample] = {sample.id: sample for sample in samples}
        self.curves: dict[str, Curve] = {name: Curve() for name in CURVES}


class ModelFeed:
    """The history of one model; only the hub's thread calls `refresh`.

    Args:
        services: Services that read the model.
        model_id: ID of the model.
        on_stored: Called from any thread when a training of this process has stored something; must not block.
    """

    def __init__(self, services: Services, model_id: str, on_stored: Callable[[], None] = lambda: None):
        self._services, self.model_id, self._on_stored = services, model_id, on_stored
        self._follower: TrainingFollower | None = None
        self._closed = False
        self.history: ModelHistory | None = None
        self.version = 0
        self.error = ""
        """Why the model cannot be shown; empty if it can."""
        self.is_gone = False
        """Whether the model was deleted."""
        self.due = 0.0
        """When to refresh next, on the clock of `time.monotonic`."""
        self._throttle = UpdateThrottle()
        self._must_read_curves = False

    @property
    def model(self) -> Model | None:
        """The model as of the last refresh; `None` before the first one."""
        return self.history.model if self.history else None

    @property
    def is_local(self) -> bool:
        """Whether the model is trained in this process."""
        return self._follower is not None and self._follower.is_local

    def close(self) -> None:
        """Unsubscribe from trainings of this process."""
        self._closed = True
        if self._follower:
            self._follower.close()

    @property
    def curves_due(self) -> float:
        """When to read the curves next, on the clock of `time.monotonic`."""
        return self._throttle.next

    def refresh(self) -> bool:
        """Read what is new from the store; return whether anything has changed."""
        before = (self.version, self.error)
        try:
            self._refresh()
            self.error, self.is_gone = "", False
        except NotFound:  # the message of the error suggests other models, which may belong to other users
            self.error = "This model no longer exists. Choose another model."
            self.is_gone = True
        except StoreError as error:
            if error.unexpected and str(error) != before[1]:
                log.error("unexpected database error", exc_info=error)
            self.error = str(error)
        return before != (self.version, self.error)

    def _refresh(self) -> None:
        model = self._services.models.get(self.model_id)
        history = self.history
        if history is None or self._follower is None or history.model.epoch != model.epoch:
            history = self._start(model)
        elif model == history.model and not self._must_read_curves:
            return
        update = self._follower.update(model)  # type: ignore[union-attr]  # _start creates it
        # Keep the update before reading anything else: it is not returned again, and the next query may fail.
        history.lines.extend(update.lines)
        history.samples.update({sample.id: sample for sample in update.samples})
        self.version += bool(update.lines or update.samples)
        if update.model.step < history.model.step:
            samples = self._services.models.samples(self.model_id)
            self.history = history = ModelHistory(history.model, list(history.lines), samples)
            self._throttle = UpdateThrottle()
        # Set the model last, so that its final state is never shown with incomplete curves.
        changed = self._read_curves(history, restart=update.model.state not in ACTIVE)
        changed |= shown_fields(update.model) != shown_fields(history.model)
        history.model = update.model
        self.version += bool(changed)

    def _read_curves(self, history: ModelHistory, *, restart: bool) -> bool:
        """Read new values of each curve, if the throttle allows; return whether there were any."""
        new, self._must_read_curves = False, True
        if not self._throttle.is_due(restart=restart):
            return False
        for name, known in history.curves.items():
            later = self._services.models.curve(self.model_id, name, after_step=known.last_step)
            history.curves[name] = known.extended(later)
            new = new or len(later) > 0
        self._must_read_curves = False
        return new

    def _start(self, model: Model) -> ModelHistory:
        lines = self._services.models.last_lines(model.id, MAX_LINES)
        after = lines[-1].position if lines else 0
        if self._follower:
            self._follower.close()
        self._follower = self._services.training.follow(model.id, after=after, metrics=False, on_stored=self._on_stored)
        if self._closed:  # in the meantime, on another thread
            self._follower.close()
        self.history = ModelHistory(model, lines, self._services.models.samples(model.id))
        self._throttle = UpdateThrottle()
        self.version += 1
        return self.history


def shown_fields(model: Model) -> tuple[object, ...]:
    """Return the fields of a model that pages show, except its step, which changes with its curves."""
    return (
        model.id, model.owner, model.name, model.state, model.best_loss, model.stop_requested, model.error,
        model.notes, model.tags, model.epoch, model.corpus_id, dict(model.train_params),
    )  # fmt: skip
