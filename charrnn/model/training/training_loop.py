"""Training: one loop for all networks, by steps, with Keras callbacks for all that is not learning.

To Keras callbacks an epoch is the stretch between two validations (`eval_every_n` steps), so that callbacks that look
at `val_loss` when an epoch ends work as they do under `fit`.
"""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from charrnn.core.batches import Ids
from charrnn.core.errors import StudioError
from charrnn.core.network_cost import num_parameters
from charrnn.core.records import ModelState
from charrnn.core.training_events import Listener
from charrnn.core.vocabulary import Vocabulary
from charrnn.model.training import checkpoint
from charrnn.model.training.callbacks import Ends, Recorder, Samples
from charrnn.model.training.evaluation import Stopped
from charrnn.model.training.train_state import Run

SAVE_EVERY_SECONDS = 300
"""A checkpoint is also written when the last one is this old, so that slow networks lose little in a crash."""

SHOWN = 500
"""Characters of the vocabulary that the log lists."""


def train(
    ids: Ids,
    vocabulary: Vocabulary,
    options: dict[str, Any],
    *,
    folder: Path,
    number: int,
    tell: Listener,
    should_stop: Callable[[], bool],
    resume_from: Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> ModelState:
    """Train a network until its last step, a limit, or a request to stop; a checkpoint is left in each case.

    Args:
        ids: The whole text, shape `(N,)`, may be memory-mapped; the last part is kept for validation.
        vocabulary: The text's vocabulary.
        options: Training options, checked.
        folder: Where checkpoints are written.
        number: Which stretch of work on this model it is.
        tell: Hears every event, on this thread; must be quick.
        should_stop: Asked after every step and between windows of a validation, from several threads.
        resume_from: Checkpoint to go on from.
        callbacks: Any Keras callbacks.

    Returns:
        COMPLETED when the last step or a limit of the options was reached, STOPPED when it was asked to.

    Raises:
        TextError: The text is too short.
        TrainingFailed: The loss is not a number, or exploded.
        CheckpointError: The checkpoint cannot be read or does not fit.
        StudioError: A checkpoint cannot be written.
    """
    run = Run(ids, vocabulary, options, folder, number, tell, should_stop)
    _introduce(run)
    if resume_from is not None:
        run.resume(checkpoint.load(resume_from, with_training=True))
    return _Loop(run, callbacks).work()


def _introduce(run: Run) -> None:
    """Say what is trained, beginning with the lines of the article's program."""
    run.say(f"corpus size {len(run.ids)}")
    run.say(f"using {len(run.vocabulary)} unique characters of this corpus:")
    shown = run.vocabulary.characters[:SHOWN]
    run.say(str(list(shown)) + (" …" if len(run.vocabulary) > SHOWN else ""))
    weights = num_parameters(run.options, len(run.vocabulary) + 1)
    run.say(
        f"{run.options['cell']} network with {weights:,} weights; {run.split.num_train:,} characters to train on in "
        f"{run.streams.steps_per_epoch:,} steps a pass, {run.split.num_val:,} to validate on"
    )
    wanted = int(len(run.ids) * run.options["val_fraction"])
    if run.split.num_val < min(wanted, run.options["max_val_chars"] or wanted):
        run.say("the text is short: less is kept for validation than val_fraction says", "warning")
    run.say("compiling the network for this machine; the first step takes a few seconds")


class _Loop:
    """The loop and its callbacks."""

    def __init__(self, run: Run, callbacks: Sequence[keras.callbacks.Callback]):
        self._run, self._network = run, run.engine.result
        self._ends = Ends(run)
        self._changed_at_end = bool(callbacks)  # e.g. EarlyStopping(restore_best_weights=True)
        self._callbacks = keras.callbacks.CallbackList(
            # what happened is told before any other callback can fail on it: it is saved, and not done again
            [Recorder(run), Samples(run), *callbacks, self._ends],
            model=self._network,
            epochs=1,
            verbose=0,
            steps=run.options["eval_every_n"],
        )
        self._next_rate()
        self._saved_at, self._saved_step = time.monotonic(), run.progress.step

    def work(self) -> ModelState:
        """Do steps until something ends it, and save."""
        self._network.stop_training = False
        self._run.engine.optimizer.learning_rate.assign(self._rate)
        self._callbacks.on_train_begin()
        try:
            state = self._steps()
            self._callbacks.on_train_end(self._logs())
        except StudioError:
            raise  # the network is not worth keeping, or the disk does not take it
        except BaseException:
            self._save(force=False)  # a callback failed, or called sys.exit, but the network is sound
            raise
        self._save(force=self._changed_at_end)
        return state

    def _steps(self) -> ModelState:
        run = self._run
        if run.progress.validation_is_due:
            self._saved_step = -1  # with it, this step is worth saving again
        elif run.progress.step >= run.total_steps:
            return ModelState.COMPLETED
        else:
            self._begin_epoch()
            self._one_step()
        while True:
            last = run.progress.step >= run.total_steps or run.out_of_time
            if last or run.progress.validation_is_due or run.progress.step % run.options["eval_every_n"] == 0:
                try:
                    self._end_epoch()
                except Stopped:
                    run.progress.validation_is_due = True
                    run.say(f"stopped at step {run.progress.step}, before its validation was done")
                    return ModelState.STOPPED
                last |= self._ends.out_of_patience
                if not last:
                    self._begin_epoch()
            end = self._end(last)
            if end is not None:
                return end
            if run.progress.step % run.options["save_every_n"] == 0 or self._is_old():
                self._save(force=False)
            self._one_step()

    def _end(self, last: bool) -> ModelState | None:
        """Return the state in which the training ends after this step, `None` if it goes on."""
        run = self._run
        if last:
            if run.out_of_time:
                run.say(f"the time limit of {run.options['max_minutes']:g} minutes is reached")
            return ModelState.COMPLETED
        if self._network.stop_training:
            run.say("a callback ended the training")
            return ModelState.STOPPED
        if run.should_stop():
            run.say(f"stopped at step {run.progress.step}")
            return ModelState.STOPPED
        return None

    def _one_step(self) -> None:
        run, batch = self._run, self._run.progress.epoch_steps
        self._callbacks.on_train_batch_begin(batch)
        self._next_rate()
        loss, norm = run.learn(self._rate)
        run.tick()
        self._callbacks.on_train_batch_end(batch, {"loss": loss, "grad_norm": norm, "learning_rate": self._rate})

    def _begin_epoch(self) -> None:
        self._callbacks.on_epoch_begin(self._run.progress.epoch)
        self._heed_rate()

    def _end_epoch(self) -> None:
        progress, logs = self._run.progress, self._logs()
        loss = logs["loss"]
        if self._run.evaluation is not None:
            self._callbacks.on_test_begin()
            try:
                loss = logs["val_loss"] = self._run.evaluation.loss(self._run.should_stop)
            except Stopped:
                self._callbacks.on_test_end({})
                raise
            self._callbacks.on_test_end({"loss": loss})
            if not math.isfinite(loss):
                raise self._run.diverged(f"The validation loss became {loss} at step {progress.step:,}")
        progress.validation_is_due, progress.newest_loss = False, loss
        progress.without_gain += 1
        if progress.best_loss is None or loss < progress.best_loss:
            progress.best_loss, progress.best_step, progress.without_gain = loss, progress.step, 0
        epoch, progress.epoch = progress.epoch, progress.epoch + 1
        progress.epoch_steps, progress.epoch_loss = 0, 0.0
        self._callbacks.on_epoch_end(epoch, logs)
        self._heed_rate()
        if progress.best_step == progress.step and "val_loss" in logs:
            self._run.save("best", loss)

    def _next_rate(self) -> None:
        self._scheduled = self._run.scheduled_rate()  # never zero, unlike what a callback may make of it
        self._rate = self._scheduled * self._run.progress.rate_factor

    def _heed_rate(self) -> None:
        """Keep what a callback (ReduceLROnPlateau, LearningRateScheduler) did to the optimizer's learning rate."""
        shown = float(np.asarray(self._run.engine.optimizer.learning_rate))
        if shown != np.float32(self._rate):
            self._run.progress.rate_factor = shown / self._scheduled
            self._rate = shown
            self._run.say(f"a callback set the learning rate to {shown:g}")

    def _logs(self) -> dict[str, float]:
        """What Keras callbacks get at the end of an epoch."""
        progress = self._run.progress
        if not progress.epoch_steps:
            return {}
        return {"loss": progress.epoch_loss / progress.epoch_steps, "learning_rate": self._rate}

    def _is_old(self) -> bool:
        return time.monotonic() - self._saved_at > SAVE_EVERY_SECONDS

    def _save(self, *, force: bool) -> None:
        """Save the newest state, unless it is saved already."""
        if self._run.progress.step > self._saved_step or force:
            self._run.save("last", self._run.progress.newest_loss)
            self._saved_at, self._saved_step = time.monotonic(), self._run.progress.step
