"""Estimate what waiting and running trainings take from this machine, and when the waiting ones start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from charrnn.core.errors import NotFound, TextError
from charrnn.core.limits import Limits
from charrnn.core.options import defaults
from charrnn.core.queue_order import Capacity, Load, forecast, next_to_start
from charrnn.core.records import Corpus, Model
from charrnn.core.system_resources import memory_bytes
from charrnn.services.cost_estimate import estimate, training_memory
from charrnn.services.process_identity import host_of
from charrnn.services.progress_estimate import ProgressEstimate
from charrnn.store.corpora import CorpusStore
from charrnn.store.run_history import HistoryStore
from charrnn.store.training_queue import QueueStore

RECENT_STEPS = 200
"""Number of newest steps whose times determine the speed of a running training."""


@dataclass(frozen=True)
class MachineLoad:
    """The trainings of this machine at one moment."""

    waiting: Sequence[Model]
    """By priority and rank."""
    running: Sequence[Model]
    last_starts: Mapping[str, float] = field(default_factory=dict)
    """When the last training of each owner started, in seconds relative to now."""


class QueueForecast:
    """Decide which waiting training fits on this machine, and estimate when each starts.

    Args:
        queue: The waiting and running trainings.
        corpora: The texts of all users.
        history: The losses of running trainings, which show their speed.
        limits: The limits of this process.
    """

    def __init__(self, queue: QueueStore, corpora: CorpusStore, history: HistoryStore, limits: Limits):
        self.queue, self._corpora, self._history = queue, corpora, history
        memory = limits.max_memory_mb * 1e6 or memory_bytes()
        self.capacity = Capacity(limits.max_trainings, limits.max_trainings_per_user, memory)

    def read(self) -> MachineLoad:
        """Read the waiting trainings, and those that run on this machine."""
        waiting = self.queue.waiting()
        host = host_of("")
        running = [model for model in self.queue.running() if host_of(model.worker) == host] if waiting else []
        now = datetime.now(UTC).replace(tzinfo=None)
        starts = self.queue.last_starts() if waiting else {}
        return MachineLoad(waiting, running, {owner: (at - now).total_seconds() for owner, at in starts.items()})

    def next_to_start(self, load: MachineLoad) -> Model | None:
        """Return the waiting training that may start now; `None` if the next one has to wait."""
        by_id = {model.id: model for model in load.waiting}
        waiting, running = self._loads(load, timed=False)
        chosen = next_to_start(waiting, running, load.last_starts, self.capacity)
        return by_id[chosen.id] if chosen else None

    def starts(self, load: MachineLoad) -> list[tuple[Model, float]]:
        """Return the waiting models in the order in which they will start, with the seconds until then."""
        by_id = {model.id: model for model in load.waiting}
        waiting, running = self._loads(load, timed=True)
        planned = forecast(waiting, running, load.last_starts, self.capacity)
        return [(by_id[each.id], seconds) for each, seconds in planned]

    def _loads(self, load: MachineLoad, *, timed: bool) -> tuple[list[Load], list[Load]]:
        corpora: dict[str, Corpus | None] = {}
        for model in (*load.waiting, *load.running):
            if model.corpus_id and model.corpus_id not in corpora:
                corpora[model.corpus_id] = self._corpus(model.corpus_id)

        def each(models: Sequence[Model], *, is_running: bool) -> list[Load]:
            return [self._load(m, corpora.get(m.corpus_id or ""), is_running=is_running, timed=timed) for m in models]

        return each(load.waiting, is_running=False), each(load.running, is_running=True)

    def _corpus(self, corpus_id: str) -> Corpus | None:
        try:
            return self._corpora.get(corpus_id)
        except NotFound:
            return None

    def _load(self, model: Model, corpus: Corpus | None, *, is_running: bool, timed: bool) -> Load:
        memory, seconds = 0, 0.0
        if corpus is not None:
            options: dict[str, Any] = {**defaults("training"), **model.train_params}
            size = {"num_characters": corpus.num_characters, "num_distinct": corpus.num_distinct}
            memory = training_memory(options, **size)
            if timed:
                seconds = self._seconds(model, corpus, options, is_running=is_running)
        return Load(model.id, model.owner, memory, seconds, model.queue_priority)

    def _seconds(self, model: Model, corpus: Corpus, options: Mapping[str, Any], *, is_running: bool) -> float:
        if is_running:
            recent = self._history.curve(model.id, "loss", after_step=max(-1, model.step - RECENT_STEPS))
            left = ProgressEstimate.of(model, corpus, recent).seconds_left
            if left is not None:
                return left
        try:
            cost = estimate(options, num_characters=corpus.num_characters, num_distinct=corpus.num_distinct)
        except TextError:  # it fails as soon as it starts
            return 0.0
        begun = model.step / cost.total_steps if is_running or model.resumes else 0.0
        return 60 * cost.minutes * max(0.0, 1 - begun)
