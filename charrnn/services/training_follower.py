"""What is new about a training, read from the store: works the same wherever the training runs."""

from dataclasses import dataclass

from charrnn.core.records import ACTIVE, LogLine, Metric, Model, Sample
from charrnn.services.models import Library
from charrnn.store.run_history import HistoryStore

LINES = 10_000
"""Log lines in one update at most."""


@dataclass(frozen=True)
class Update:
    """What is new about a training since the update before."""

    model: Model
    lines: list[LogLine]
    metrics: list[Metric]
    samples: list[Sample]
    is_last: bool = False
    """The training is over, and all of it was told."""

    def __bool__(self) -> bool:
        return bool(self.lines or self.metrics or self.samples or self.is_last)


class Follower:
    """Remembers what it has told of one model.

    Args:
        library: Knows the model.
        history: Knows what its training said.
        model_id: The model.
        after: Position of the last log line that is known already; samples are then taken as known, too.
        metrics: Whether to tell them; who shows curves reads on in each of those instead.

    Raises:
        NotFound: There is no such model.
    """

    def __init__(
        self,
        library: Library,
        history: HistoryStore,
        model_id: str,
        *,
        after: int = 0,
        metrics: bool = True,
    ):
        self._library, self._history, self._model_id = library, history, library.get(model_id).id
        self._tells_metrics = metrics
        self._position, self._step = after, -1
        self._measured: set[str] = set()
        self._samples = {sample.id for sample in history.samples(self._model_id)} if after else set()

    def update(self, model: Model | None = None) -> Update:
        """Return what is new; an update that holds nothing is false.

        Args:
            model: The model as it was read just now; read here if missing.

        Raises:
            NotFound: The model was removed for good meanwhile.
        """
        # before the rest, so that a last state comes with all of it
        model = model or self._library.get(self._model_id)
        has_lines = model.log_position > self._position
        lines = self._history.lines(model.id, after=self._position, limit=LINES) if has_lines else []
        is_last = model.state not in ACTIVE and len(lines) < LINES
        # all is read before any of it counts as told: what comes in between must not cost a line
        samples = self._history.samples(model.id, known=self._samples)
        metrics = self._new_metrics(model) if self._tells_metrics else []
        self._position += len(lines)
        self._samples |= {sample.id for sample in samples}
        return Update(model, lines, metrics, samples, is_last)

    def _new_metrics(self, model: Model) -> list[Metric]:
        # The training may have begun again: then so does the story. The last step is asked for again: its validation
        # loss comes seconds after its loss.
        begins = model.step < self._step
        found = self._history.metrics(model.id, after_step=-2 if begins else self._step - 1)
        if begins:
            self._step, self._measured = -1, set()
        new = [m for m in found if m.step > self._step or m.name not in self._measured]
        if new and new[-1].step > self._step:
            self._step, self._measured = new[-1].step, set()
        self._measured |= {m.name for m in new if m.step == self._step}
        return new
