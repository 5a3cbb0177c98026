"""Start, resume, stop and follow trainings."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from charrnn.core.errors import StateError
from charrnn.core.options import Value, checked
from charrnn.core.records import ACTIVE, Corpus, Model, ModelState
from charrnn.core.training_events import Listener
from charrnn.core.training_outcome import Outcome, outcome
from charrnn.services.corpora import Corpora, TextSource
from charrnn.services.cost_estimate import count_steps
from charrnn.services.database_retry import RETRY_SECONDS, retry_while_unavailable
from charrnn.services.limit_check import LimitCheck
from charrnn.services.models import Models
from charrnn.services.resume_options import resume_options
from charrnn.services.training_follower import TrainingFollower
from charrnn.services.training_launcher import TrainingLauncher
from charrnn.services.training_options import check_request, training_options
from charrnn.services.training_request import TrainingRequest


class Trainings:
    """The trainings of the models that one user sees, or of all models.

    Args:
        launcher: Runs the trainings of this process, for all users.
        models: The models of the user.
        corpora: The texts of the user.
        limit_check: The limits that apply to the user.
    """

    def __init__(self, launcher: TrainingLauncher, models: Models, corpora: Corpora, limit_check: LimitCheck):
        self.launcher, self._models, self._corpora, self._limit_check = launcher, models, corpora, limit_check

    def seen_by(self, models: Models, corpora: Corpora, limit_check: LimitCheck) -> "Trainings":
        """Return the trainings of one user's models; they run in the same launcher."""
        return Trainings(self.launcher, models, corpora, limit_check)

    def start(
        self,
        source: TextSource,
        *,
        name: str | None = None,
        preset: str | None = None,
        minutes: float | None = None,
        options: Mapping[str, Any] | None = None,
        callbacks: Sequence[Any] = (),
        listeners: Sequence[Listener] = (),
    ) -> Model:
        """Create a model for a text and train it in the background.

        Args:
            source: A corpus, a path, or the text itself.
            name: Name of the model; derived from the text's name if missing.
            preset: Preset of options to start with. The default is Auto if `minutes` is given, else no preset.
            minutes: Time budget for Auto, which chooses options for this text and this machine.
            options: Training options that differ from the preset.
            callbacks: Keras callbacks.
            listeners: Called with every event, on the training's thread.

        Returns:
            The model: training, or queued until the machine has room for it.

        Raises:
            OptionError: An option is invalid.
            TextError: The text cannot be read, or is too short for the options.
            NameTaken: Another model has this name.
            LimitExceeded: The training exceeds a limit of this server, or can never fit on this machine.
        """
        check_request(options or {}, preset_name=preset, minutes=minutes)  # before a large text is read
        corpus = self._corpora.find_or_add(source)
        values = self.options_for(corpus, preset=preset, minutes=minutes, options=options)
        request = TrainingRequest(corpus, values, callbacks, listeners)

        def queue(reserved_by: str) -> Model:
            free = self._models.free_name(corpus.name) if name is None else name
            return self._models.create(free, corpus=corpus, options=values, queued_for=reserved_by)

        return self._launch(request, queue)

    def options_for(
        self,
        corpus: Corpus,
        *,
        preset: str | None = None,
        minutes: float | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> dict[str, Value]:
        """Return the options that `start` would use for a text; arguments as there.

        Raises:
            OptionError: An option is invalid.
        """
        return training_options(
            options or {},
            num_characters=corpus.num_characters,
            num_distinct=corpus.num_distinct,
            preset_name=preset,
            minutes=minutes,
        )

    def begin(self, model_id: str, *, callbacks: Sequence[Any] = (), listeners: Sequence[Listener] = ()) -> Model:
        """Train a model from the first step; earlier results are deleted after that step.

        Raises:
            StateError: The model is being trained, or has no text.
            OptionError: Its options are invalid.
            TextError: Its text is too short for them.
            NotFound: There is no such model.
        """
        model = self._models.get(model_id)
        options = checked("training", model.train_params)
        return self._relaunch(model, TrainingRequest(self._corpus(model), options, callbacks, listeners))

    def resume(
        self,
        model_id: str,
        *,
        options: Mapping[str, Any] | None = None,
        callbacks: Sequence[Any] = (),
        listeners: Sequence[Listener] = (),
    ) -> Model:
        """Continue a training from its newest checkpoint, with exact results on the same kind of CPU.

        Args:
            model_id: The model.
            options: Training options to change, for example a larger `max_steps`. The architecture is fixed.
            callbacks: Keras callbacks.
            listeners: Called with every event, on the training's thread.

        Raises:
            StateError: The model is being trained, waits in another process, has completed all its steps, or has no
                checkpoint.
            OptionError: An option is invalid, or can no longer be changed.
            NotFound: There is no such model.
        """
        model = self._models.get(model_id)
        if model.state == ModelState.QUEUED and not options:  # its process may have ended
            return self._take_over(model, callbacks, listeners)
        self.launcher.recovery.adopt(self._models.get(model_id))
        model = self._models.get(model_id)
        values = resume_options(model, options or {})
        if not self.launcher.history.checkpoints(model.id):
            raise StateError(
                f"The model {model.name!r} has no checkpoint to resume from. Train it from the first step."
            )
        return self._relaunch(model, TrainingRequest(self._corpus(model), values, callbacks, listeners, resumes=True))

    def can_resume(self, model_id: str) -> bool:
        """Return whether `resume` would find a checkpoint."""
        return self.launcher.recovery.can_resume(self._models.check_access(model_id))

    def _corpus(self, model: Model) -> Corpus:
        if model.corpus_id is None:
            raise StateError(f"The model {model.name!r} has no text, so it cannot be trained. Train a new model.")
        return self._corpora.get(model.corpus_id)

    def _take_over(self, model: Model, callbacks: Sequence[Any], listeners: Sequence[Listener]) -> Model:
        options = checked("training", model.train_params)
        request = TrainingRequest(self._corpus(model), options, callbacks, listeners, resumes=model.resumes)
        return self._models.get(self.launcher.take_over(model, request).id)

    def _relaunch(self, model: Model, request: TrainingRequest) -> Model:
        def queue(reserved_by: str) -> Model:
            return self.launcher.leases.queue(
                model.id, train_params=request.options, resumes=request.resumes, reserved_by=reserved_by
            )

        return self._launch(request, queue, model=model)

    def _launch(self, request: TrainingRequest, queue: Callable[[str], Model], *, model: Model | None = None) -> Model:
        return self._models.get(self.launcher.launch(request, queue, limit_check=self._limit_check, model=model).id)

    def stop(self, model_id: str) -> Model:
        """Request that a training, in any process, save a checkpoint and stop after the current step.

        A training that waits is removed from the queue.

        Raises:
            StateError: The model is not being trained.
            NotFound: There is no such model.
            StoreUnavailable: The database is unavailable; a training of this process stops anyway.
        """
        thread = self.launcher.thread(self._models.check_access(model_id))
        try:
            return self.launcher.leases.request_stop(model_id)
        finally:
            if thread:
                thread.stop()
            if self.launcher.waits_here(model_id):
                self.launcher.dispatcher.wake()  # it notices that the training no longer waits

    def interrupt(self, model_id: str) -> None:
        """Request that a training of this process save a checkpoint and end as `interrupted`; ignore others.

        A training that waits in this process keeps its place in the queue, and any process may start it.
        """
        self.launcher.dispatcher.let_go(self._models.check_access(model_id))
        if thread := self.launcher.thread(self._models.check_access(model_id)):
            thread.stop(interrupt=True)

    def outcome(self, model_id: str) -> Outcome | None:
        """Return how a completed training ended and what to try next; `None` if the training is not completed.

        Raises:
            NotFound: There is no such model.
        """
        model = self._models.get(model_id)
        if model.state != ModelState.COMPLETED or model.corpus_id is None:
            return None
        options = checked("training", model.train_params)
        per_epoch, total = count_steps(options, self._corpora.get(model.corpus_id).num_characters)
        best = [checkpoint.step for checkpoint in self.launcher.checkpoints.of(model.id) if checkpoint.kind == "best"]
        return outcome(
            options,
            step=model.step,
            total_steps=total,
            steps_per_epoch=per_epoch,
            best_step=max(best, default=None),
            validations=[metric.step for metric in self.launcher.history.metrics(model.id, names=["val_loss"])],
        )

    def wait(self, model_id: str, timeout: float | None = None) -> Model:
        """Wait until a training, in any process, has ended or `timeout` seconds have passed; return the model."""
        deadline = None if timeout is None else time.monotonic() + timeout
        if thread := self.launcher.thread(model_id):
            thread.join(timeout)

        def retry_seconds() -> float:
            return RETRY_SECONDS if deadline is None else min(RETRY_SECONDS, deadline - time.monotonic())

        while (
            model := retry_while_unavailable(lambda: self._models.get(model_id), seconds=retry_seconds)
        ).state in ACTIVE:
            if deadline is not None and time.monotonic() > deadline:
                break
            self.launcher.poll()
        return model

    def follow(
        self,
        model_id: str,
        *,
        after: int = 0,
        metrics: bool = True,
        on_stored: Callable[[], None] | None = None,
    ) -> TrainingFollower:
        """Follow a training of any process.

        Iterate over the result to receive updates until the training has ended, or call its method `update` to read
        what is new without waiting.

        Args:
            model_id: The model.
            after: Position of the last log line that the caller has.
            metrics: Whether updates contain metrics.
            on_stored: Called on the training's thread, if it runs in this process, after it has stored something.

        Raises:
            NotFound: There is no such model.
        """
        return TrainingFollower(
            self._models, self.launcher, model_id, after=after, metrics=metrics, on_stored=on_stored
        )

    def end_dead(self) -> list[Model]:
        """Mark trainings whose lease expired or whose process ended as `interrupted`.

        Returns:
            The models that were marked.
        """
        return self.launcher.end_dead()

    def close(self) -> None:
        """End all trainings of this process as `interrupted`, each with a checkpoint; waiting ones keep waiting."""
        self.launcher.close()
