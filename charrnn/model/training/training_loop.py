"""Train a network: one loop over steps, with Keras callbacks for everything else.

For Keras callbacks, an epoch lasts from one validation to the next (`eval_every_n` steps), so that callbacks that read
`val_loss` at the end of an epoch work as in `fit`.
"""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from charrnn.core.batches import Ids
from charrnn.core.cadence import is_due
from charrnn.core.errors import StudioError, TrainingFailed
from charrnn.core.network_cost import num_parameters
from charrnn.core.records import ModelState
from charrnn.core.training_events import Listener
from charrnn.core.vocabulary import Vocabulary
from charrnn.model.training import checkpoint
from charrnn.model.training.callbacks import EndCallback, EventCallback, SampleCallback
from charrnn.model.training.evaluation import EvaluationStopped
from charrnn.model.training.train_state import TrainState

SAVE_EVERY_SECONDS = 300
"""Maximum age of the last checkpoint, so that slow networks lose little in a crash."""

MAX_LOGGED_CHARACTERS = 500
"""Maximum number of characters of the vocabulary in the log."""


def train(
    ids: Ids,
    vocabulary: Vocabulary,
    options: dict[str, Any],
    *,
    folder: Path,
    number: int,
    emit: Listener,
    should_stop: Callable[[], bool],
    resume_from: Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> ModelState:
    """Train a network until its last step, a limit, or a requested stop; a checkpoint is saved in each case.

    Args:
        ids: The whole text, shape `(N,)`, may be memory-mapped; its end is used for validation.
        vocabulary: The text's vocabulary.
        options: Validated training options.
        folder: Folder for checkpoints.
        number: Number of this training of the model.
        emit: Called with every event, on this thread; must return quickly.
        should_stop: Called after every step and between windows of a validation, from several threads.
        resume_from: Checkpoint to resume from.
        callbacks: Additional Keras callbacks.

    Returns:
        COMPLETED if the last step or a limit of the options was reached, STOPPED if a stop was requested.

    Raises:
        TextError: The text is too short.
        TrainingFailed: The loss became NaN or infinite, or exploded.
        CheckpointError: The checkpoint cannot be read or does not match the options.
        StudioError: A checkpoint cannot be saved.
    """
    train_state = TrainState(ids, vocabulary, options, folder, number, emit, should_stop)
    _log_introduction(train_state)
    if resume_from is not None:
        train_state.resume(checkpoint.load(resume_from, with_training=True))
    return _Loop(train_state, callbacks).run()


def _log_introduction(train_state: TrainState) -> None:
    """Log text, network and splits, starting with the lines of the article's program."""
    train_state.log(f"corpus size {len(train_state.ids)}")
    train_state.log(f"using {len(train_state.vocabulary)} unique characters of this corpus:")
    shown = train_state.vocabulary.characters[:MAX_LOGGED_CHARACTERS]
    train_state.log(str(list(shown)) + (" …" if len(train_state.vocabulary) > MAX_LOGGED_CHARACTERS else ""))
    sizes = train_state.split
    parameters = num_parameters(train_state.options, len(train_state.vocabulary) + 1)
    train_state.log(
        f"{train_state.options['cell']} network with {parameters:,} parameters; {sizes.num_train:,} characters for "
        f"training in {train_state.streams.steps_per_epoch:,} steps per epoch, {sizes.num_val:,} for validation"
    )
    if train_state.mixture is not None:
        ngrams = train_state.mixture.ngrams
        train_state.log(f"mixed with an n-gram model of order {ngrams.order} with {len(ngrams.counts):,} n-grams")
    elif train_state.options["ngram_order"]:
        train_state.log("no n-grams: without a validation split, the network's share cannot be determined", "warning")
    wanted = int(len(train_state.ids) * train_state.options["val_fraction"])
    if sizes.num_val < min(wanted, train_state.options["max_val_chars"] or wanted):
        train_state.log("the text is short: the validation split is smaller than val_fraction", "warning")
    train_state.log("compiling the network for this machine; the first step takes a few seconds")


class _Loop:
    """The loop and its callbacks."""

    def __init__(self, train_state: TrainState, callbacks: Sequence[keras.callbacks.Callback]):
        self._train_state, self._network = train_state, train_state.train_step.result
        self._end_callback = EndCallback(train_state)
        self._changed_at_end = bool(callbacks)  # e.g. EarlyStopping(restore_best_weights=True)
        self._callbacks = keras.callbacks.CallbackList(
            # Events come first: if another callback fails, the step is saved and must not be repeated.
            [EventCallback(train_state), SampleCallback(train_state), *callbacks, self._end_callback],
            model=self._network,
            epochs=1,
            verbose=0,
            steps=train_state.options["eval_every_n"],
        )
        self._next_rate()
        self._saved_at, self._saved_step = time.monotonic(), train_state.progress.step

    def run(self) -> ModelState:
        """Do steps until the training ends, and save a checkpoint."""
        self._network.stop_training = False
        self._train_state.train_step.optimizer.learning_rate.assign(self._rate)
        self._callbacks.on_train_begin()
        try:
            state = self._steps()
            self._callbacks.on_train_end(self._logs())
        except TrainingFailed:
            self._train_state.save_unsaved_best()  # the network diverged, but its best state is intact
            raise
        except StudioError:
            raise  # the disk is full
        except BaseException:
            self._save(force=False)  # a callback failed, or called sys.exit, but the network is intact
            raise
        self._save(force=self._changed_at_end)
        return state

    def _steps(self) -> ModelState:
        train_state = self._train_state
        if train_state.progress.validation_is_due:
            self._saved_step = -1  # save this step again, with its validation
        elif train_state.progress.step >= train_state.total_steps:
            return ModelState.COMPLETED
        else:
            self._begin_epoch()
            self._one_step()
        while True:
            last = train_state.progress.step >= train_state.total_steps or train_state.plan.out_of_time
            if last or train_state.progress.validation_is_due or self._is_due("eval_every_n"):
                try:
                    self._end_epoch()
                except EvaluationStopped:
                    train_state.progress.validation_is_due = True
                    train_state.log(f"stopped at step {train_state.progress.step}, before its validation was complete")
                    return ModelState.STOPPED
                last |= self._end_callback.out_of_patience
                if not last:
                    self._begin_epoch()
            end = self._end(last)
            if end is not None:
                return end
            if self._is_due("save_every_n") or self._is_old():
                self._save(force=False)
            self._one_step()

    def _end(self, last: bool) -> ModelState | None:
        """Return the final state if the training ends after this step, else `None`."""
        train_state = self._train_state
        if last:
            if train_state.plan.out_of_time:
                train_state.log(f"the time limit of {train_state.options['max_minutes']:g} minutes is reached")
            return ModelState.COMPLETED
        if self._network.stop_training:
            train_state.log("a callback ended the training")
            return ModelState.STOPPED
        if train_state.should_stop():
            train_state.log(f"stopped at step {train_state.progress.step}")
            return ModelState.STOPPED
        return None

    def _one_step(self) -> None:
        train_state, batch = self._train_state, self._train_state.progress.epoch_steps
        self._callbacks.on_train_batch_begin(batch)
        self._next_rate()
        loss, norm = train_state.learn(self._rate)
        train_state.tick()
        train_state.adjust_schedule()
        self._callbacks.on_train_batch_end(batch, {"loss": loss, "grad_norm": norm, "learning_rate": self._rate})

    def _begin_epoch(self) -> None:
        self._callbacks.on_epoch_begin(self._train_state.progress.epoch)
        self._apply_callback_rate()

    def _end_epoch(self) -> None:
        progress, logs, losses = self._train_state.progress, self._logs(), None
        loss = logs["loss"]
        if self._train_state.evaluation is not None:
            self._callbacks.on_test_begin()
            try:
                validated, losses = self._train_state.validate(self._train_state.evaluation)
                logs |= validated
                loss = logs["val_loss"]
            except EvaluationStopped:
                self._callbacks.on_test_end({})
                raise
            self._callbacks.on_test_end({"loss": loss})
            if not math.isfinite(loss):
                raise self._train_state.diverged(f"The validation loss became {loss} at step {progress.step:,}")
        progress.validation_is_due = False
        self._train_state.tick()
        progress.record_validation(loss, losses)
        epoch, progress.epoch = progress.epoch, progress.epoch + 1
        progress.epoch_steps, progress.epoch_loss = 0, 0.0
        self._callbacks.on_epoch_end(epoch, logs)
        self._apply_callback_rate()
        if progress.best_step == progress.step and "val_loss" in logs:
            self._train_state.keep_best(loss)

    def _next_rate(self) -> None:
        self._scheduled = self._train_state.scheduled_rate()  # never zero, unlike a rate set by a callback
        self._rate = self._scheduled * self._train_state.progress.rate_factor

    def _apply_callback_rate(self) -> None:
        """Keep a learning rate that a callback (ReduceLROnPlateau, LearningRateScheduler) set on the optimizer."""
        current = float(np.asarray(self._train_state.train_step.optimizer.learning_rate))
        if current != np.float32(self._rate):
            self._train_state.progress.rate_factor = current / self._scheduled
            self._rate = current
            self._train_state.log(f"a callback set the learning rate to {current:g}")

    def _logs(self) -> dict[str, float]:
        """Return the logs for Keras callbacks at the end of an epoch."""
        progress = self._train_state.progress
        if not progress.epoch_steps:
            return {}
        return {"loss": progress.epoch_loss / progress.epoch_steps, "learning_rate": self._rate}

    def _is_due(self, option: str) -> bool:
        options = self._train_state.options
        return is_due(self._train_state.progress.step, options[option], options["cadence"])

    def _is_old(self) -> bool:
        return time.monotonic() - self._saved_at > SAVE_EVERY_SECONDS

    def _save(self, *, force: bool) -> None:
        """Save the newest state, unless it is saved already, and an unsaved best one."""
        self._train_state.save_unsaved_best()
        if self._train_state.progress.step > self._saved_step or force:
            self._train_state.save("last", self._train_state.progress.newest_loss)
            self._saved_at, self._saved_step = time.monotonic(), self._train_state.progress.step
