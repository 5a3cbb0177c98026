"""What is known about one model, and how it is kept up to date. Read on the hub's thread, shown by all sessions."""

import logging
from collections import deque
from collections.abc import Callable

from charrnn.core.errors import NotFound, StoreError
from charrnn.core.records import ACTIVE, Curve, LogLine, Model, Sample
from charrnn.services import Services
from charrnn.services.training_follower import TrainingFollower
from dashboard.live.update_throttle import Pace

LINES = 1000
"""Log lines of a model that are kept at hand."""
CURVES = ("loss", "val_loss")
"""Metrics that are shown; a model can have many more, and long ones."""

log = logging.getLogger(__name__)


class Story:
    """What is known about one model. Curves only grow; when a training begins again, the story is a new one.

    Reading is safe without a lock: a curve is never changed, but replaced by a longer one.
    """

    def __init__(self, model: Model, lines: list[LogLine], samples: list[Sample]):
        self.model = model
        self.lines: deque[LogLine] = deque(lines, maxlen=LINES)
        self.samples: dict[str, Sample] = {sample.id: sample for sample in samples}
        self.curves: dict[str, Curve] = {name: Curve() for name in CURVES}


class Feed:
    """The newest story of one model; only the hub's thread calls `refresh`."""

    def __init__(self, services: Services, model_id: str, on_stored: Callable[[], None] = lambda: None):
        self._services, self.model_id, self._on_stored = services, model_id, on_stored
        self._follower: TrainingFollower | None = None
        self._closed = False
        self.story: Story | None = None
        self.version = 0
        self.error = ""
        """Why there is nothing to see."""
        self.is_gone = False
        """Whether the model was deleted or purged."""
        self.due = 0.0
        """When to look again."""
        self._pace = Pace()
        self._owes_curves = False

    @property
    def model(self) -> Model | None:
        """The model as last seen; `None` before the first look."""
        return self.story.model if self.story else None

    @property
    def is_local(self) -> bool:
        """Whether the model is trained in this process."""
        return self._follower is not None and self._follower.is_local

    def close(self) -> None:
        """End the subscription to trainings of this process."""
        self._closed = True
        if self._follower:
            self._follower.close()

    @property
    def numbers_due(self) -> float:
        """When numbers are read again, on the clock of `time.monotonic`."""
        return self._pace.next

    def refresh(self) -> bool:
        """Look for news; tell whether there was any."""
        before = (self.version, self.error)
        try:
            self._refresh()
            self.error, self.is_gone = "", False
        except NotFound:  # its own words name other models, which are not everybody's business
            self.error = f"There is no model {self.model_id!r} any more. Choose one in the library."
            self.is_gone = True
        except StoreError as error:
            if error.unexpected and str(error) != before[1]:
                log.error("unexpected database error", exc_info=error)
            self.error = str(error)
        return before != (self.version, self.error)

    def _refresh(self) -> None:
        model = self._services.models.get(self.model_id)
        story = self.story
        if story is None or self._follower is None or story.model.epoch != model.epoch:
            story = self._begin(model)
        elif model == story.model and not self._owes_curves:
            return
        update = self._follower.update(model)  # type: ignore[union-attr]  # _begin creates it
        # what was told is told once: it is kept before anything else is read, since the database may go away in between
        story.lines.extend(update.lines)
        story.samples.update({sample.id: sample for sample in update.samples})
        self.version += bool(update.lines or update.samples)
        if update.model.step < story.model.step:
            samples = self._services.models.samples(self.model_id)
            self.story = story = Story(story.model, list(story.lines), samples)
            self._pace = Pace()
        # the model last: who sees its last state also sees all of its curves
        changed = self._measure(story, hurry=update.model.state not in ACTIVE)
        changed |= seen(update.model) != seen(story.model)
        story.model = update.model
        self.version += bool(changed)

    def _measure(self, story: Story, *, hurry: bool) -> bool:
        """Read on in each curve, when it is time; tell whether there was more."""
        new, self._owes_curves = False, True
        if not self._pace.is_due(hurry=hurry):
            return False
        for name, known in story.curves.items():
            later = self._services.models.curve(self.model_id, name, after_step=known.last_step)
            story.curves[name] = known.extended(later)
            new = new or len(later) > 0
        self._owes_curves = False
        return new

    def _begin(self, model: Model) -> Story:
        lines = self._services.models.last_lines(model.id, LINES)
        after = lines[-1].position if lines else 0
        if self._follower:
            self._follower.close()
        self._follower = self._services.training.follow(model.id, after=after, metrics=False, on_stored=self._on_stored)
        if self._closed:  # in the meantime, on another thread
            self._follower.close()
        self.story = Story(model, lines, self._services.models.samples(model.id))
        self._pace = Pace()
        self.version += 1
        return self.story


def seen(model: Model) -> tuple[object, ...]:
    """What of a model is shown, but for its step, which changes with its curves; a renewed lease is no news."""
    return (
        model.id, model.owner, model.name, model.state, model.best_loss, model.stop_requested, model.error,
        model.notes, model.tags, model.epoch, model.corpus_id, dict(model.train_params),
    )  # fmt: skip
