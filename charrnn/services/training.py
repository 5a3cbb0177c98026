"""Trainings: start, stop, resume, follow."""

import copy
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from charrnn.core.batches import check_length
from charrnn.core.errors import StateError, StoreUnavailable
from charrnn.core.options import Value, checked
from charrnn.core.options import preset as preset_options
from charrnn.core.records import ACTIVE, Model
from charrnn.core.training_events import Listener
from charrnn.services.checkpoint_manager import Checkpoints
from charrnn.services.checkpoint_recovery import Recovery
from charrnn.services.corpora import Corpora, Source
from charrnn.services.database_retry import PATIENCE_SECONDS, patiently
from charrnn.services.dead_worker_cleanup import end_dead
from charrnn.services.models import Library
from charrnn.services.quota_check import Allowance
from charrnn.services.resume_options import options_to_go_on
from charrnn.services.training_follower import LINES, Follower, Update
from charrnn.services.training_thread import Task, Worker
from charrnn.store.run_history import HistoryStore
from charrnn.store.training_leases import LeaseStore

FOLLOW_SECONDS = 0.25
DEATH_SECONDS = 1.0
"""Time between two looks at a training, and between two searches for trainings whose worker is gone."""


class Trainings:
    """All trainings of one data folder; those started here run on threads of this process."""

    def __init__(
        self,
        leases: LeaseStore,
        history: HistoryStore,
        library: Library,
        corpora: Corpora,
        checkpoints: Checkpoints,
        recovery: Recovery,
        allowance: Allowance,
    ):
        self._leases, self._history, self._checkpoints, self._recovery = leases, history, checkpoints, recovery
        self._library, self._corpora, self._allowance = library, corpora, allowance
        self._workers: dict[str, Worker] = {}
        self._lock = threading.Lock()
        self._deaths_due = 0.0
        self._watchers: list[Callable[[str], None]] = []

    def seen_by(self, library: Library, corpora: Corpora, allowance: Allowance) -> "Trainings":
        """Return the same trainings for one user, who can do nothing to those of others."""
        view = copy.copy(self)  # workers and watchers stay the process's
        view._library, view._corpora, view._allowance = library, corpora, allowance
        return view

    def start(
        self,
        source: Source,
        *,
        name: str | None = None,
        preset: str | None = None,
        options: Mapping[str, Any] | None = None,
        callbacks: Sequence[Any] = (),
        listeners: Sequence[Listener] = (),
    ) -> Model:
        """Make a model from a text and begin to train it in the background.

        Args:
            source: A corpus, a path, or the text itself.
            name: What to call it; made from the text's name if missing.
            preset: Set of options to begin with; defaults if missing.
            options: Training options that differ from the preset.
            callbacks: Keras callbacks.
            listeners: Called with every event, on the training's thread.

        Returns:
            The model, queued or in training.

        Raises:
            OptionError: Options are wrong.
            TextError: The text cannot be read, or is too short for the options.
            NameTaken: Another model has this name.
            LimitExceeded: It is more than this server allows.
        """
        base = preset_options(preset) if preset else None
        values = checked("training", options or {}, base=base)
        corpus = self._corpora.find_or_add(source)
        check_length(corpus.num_characters, int(values["num_seqs"]), int(values["num_steps"]))
        self._allowance.check_training(values, corpus, len(self._running()))
        model = self._library.create(
            self._library.free_name(corpus.name) if name is None else name, corpus=corpus, options=values
        )
        return self.begin(model.id, callbacks=callbacks, listeners=listeners)

    def begin(self, model_id: str, *, callbacks: Sequence[Any] = (), listeners: Sequence[Listener] = ()) -> Model:
        """Train a model from the beginning; what it learned before is forgotten when the first step is done.

        Raises:
            StateError: It is being trained already, or has no text.
            OptionError: Its options are wrong.
            TextError: Its text is too short for them.
            NotFound: There is no such model.
        """
        model = self._library.get(model_id)
        return self._queue_and_work(model, checked("training", model.train_params), False, callbacks, listeners)

    def resume(
        self,
        model_id: str,
        *,
        options: Mapping[str, Any] | None = None,
        callbacks: Sequence[Any] = (),
        listeners: Sequence[Listener] = (),
    ) -> Model:
        """Continue a training where its newest checkpoint was written: exactly, if on the same kind of CPU.

        Args:
            model_id: The model.
            options: Training options to change, e.g. a later `max_steps`; not those that checkpoints are made for.
            callbacks: Keras callbacks.
            listeners: Called with every event, on the training's thread.

        Raises:
            StateError: It is being trained already, or all its steps are done.
            OptionError: An option is wrong, or cannot be changed any more.
            NotFound: There is no such model, or it has no checkpoint.
        """
        self._recovery.adopt(self._library.get(model_id))
        model = self._library.get(model_id)
        values = options_to_go_on(model, options or {})
        if not self._history.checkpoints(model.id):
            raise StateError(
                f"The model {model.name!r} has no checkpoint to go on from; start its training from the beginning."
            )
        return self._queue_and_work(model, values, True, callbacks, listeners)

    def can_resume(self, model_id: str) -> bool:
        """Return whether `resume` would find a checkpoint to look at."""
        return self._recovery.can_resume(self._library.mine(model_id))

    def stop(self, model_id: str) -> Model:
        """Ask a training to save and end after the step under way, wherever it runs.

        Raises:
            StateError: It is not being trained.
            NotFound: There is no such model.
            StoreUnavailable: The database cannot be told; a training of this process was asked all the same.
        """
        mine = self._library.mine(model_id)
        worker = self._workers.get(mine)
        try:
            model = self._leases.request_stop(mine)
        except StoreUnavailable:
            if worker:
                worker.stop()
            raise
        if worker:
            worker.stop()
        return model

    def interrupt(self, model_id: str) -> None:
        """Ask a training of this process to save and end as `interrupted`; others are left alone."""
        if worker := self._workers.get(self._library.mine(model_id)):
            worker.stop(interrupt=True)

    def wait(self, model_id: str, timeout: float | None = None) -> Model:
        """Wait until a training is over, wherever it runs, or `timeout` seconds have passed; return the model."""
        deadline = None if timeout is None else time.monotonic() + timeout
        if worker := self._workers.get(model_id):
            worker.join(timeout)

        def patience() -> float:
            return PATIENCE_SECONDS if deadline is None else min(PATIENCE_SECONDS, deadline - time.monotonic())

        while (model := patiently(lambda: self._library.get(model_id), seconds=patience)).state in ACTIVE:
            if deadline is not None and time.monotonic() > deadline:
                break
            self._rest()
        return model

    def follow(self, model_id: str, *, after: int = 0) -> Iterator[Update]:
        """Tell what a training says, wherever it runs, until it is over.

        Args:
            model_id: The model.
            after: Position of the last log line that is known already.

        Yields:
            An update when there is something new, and one at the end.

        Raises:
            NotFound: There is no such model.
        """
        follower = self.follower(model_id, after=after)
        while not (update := patiently(follower.update)).is_last:
            if update:
                yield update
            if len(update.lines) < LINES:
                self._rest()
        yield update

    def _rest(self) -> None:
        """Wait for the next look at a training; now and then, see whether its worker is gone."""
        time.sleep(FOLLOW_SECONDS)
        if time.monotonic() >= self._deaths_due:
            self._deaths_due = time.monotonic() + DEATH_SECONDS
            with suppress(StoreUnavailable):  # who waits reads next, and is patient
                self.notice_dead()

    def follower(self, model_id: str, *, after: int = 0, metrics: bool = True) -> Follower:
        """Return what tells, each time it is asked, what is new about a training; arguments as for `follow`.

        Args:
            model_id: The model.
            after: Position of the last log line that is known already.
            metrics: Whether to tell them; who shows curves reads on in each of those instead.

        Raises:
            NotFound: There is no such model.
        """
        return Follower(self._library, self._history, model_id, after=after, metrics=metrics)

    def watch(self, watcher: Callable[[str], None]) -> None:
        """Have a function called with a model's id whenever a training of this process stored something to read.

        Args:
            watcher: Called on the training's threads; must return at once and never raise.
        """
        self._watchers.append(watcher)

    def unwatch(self, watcher: Callable[[str], None]) -> None:
        """Do not call it any more; one that is not called already is no error."""
        self._watchers[:] = [other for other in self._watchers if other != watcher]

    def is_here(self, model_id: str) -> bool:
        """Tell whether a training runs in this process."""
        return model_id in self._running()

    def _running(self) -> list[str]:
        return [model_id for model_id, worker in list(self._workers.items()) if not worker.join(0)]

    def _tell_watchers(self, model_id: str) -> None:
        for watcher in list(self._watchers):
            watcher(model_id)

    def notice_dead(self) -> list[Model]:
        """Mark trainings as `interrupted` whose worker is gone: its lease ran out, or its process on this host ended.

        Returns:
            The models that were marked.
        """
        # a lease of this process that runs out says only that the database was away
        alive = [model_id for model_id in list(self._workers) if self.is_here(model_id)]
        return end_dead(self._leases, self._library, self._recovery, alive=alive)

    def close(self) -> None:
        """End all trainings of this process as `interrupted`; each saves first."""
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            worker.stop(interrupt=True)
        for worker in workers:
            worker.join()

    def _queue_and_work(
        self,
        model: Model,
        options: dict[str, Value],
        resumes: bool,
        callbacks: Sequence[Any],
        listeners: Sequence[Listener],
    ) -> Model:
        if model.corpus_id is None:
            raise StateError(f"The model {model.name!r} has no text yet; give it one before training.")
        corpus = self._corpora.get(model.corpus_id)
        check_length(corpus.num_characters, int(options["num_seqs"]), int(options["num_steps"]))
        before = model.state
        task = Task(
            model.id,
            lambda: self._corpora.ids(corpus.id, max_vocab=int(options["max_vocab"])),
            options,
            resumes,
            model.cpu,
            callbacks,
            listeners,
            lambda: self._tell_watchers(model.id),
        )
        with self._lock:
            self._allowance.check_training(options, corpus, len(self._running()), model.id)
            self._leases.queue(model.id, train_params=options)
            try:
                self._workers[model.id] = Worker(task, self._leases, self._history, self._checkpoints)
            except BaseException:
                self._leases.unqueue(model.id, before)
                raise
        return self._library.get(model.id)
