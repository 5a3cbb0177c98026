"""Keras callbacks that log, emit metrics and samples, and end a training early."""

import math
import time
from typing import Any

import keras

from charrnn.core import formatting
from charrnn.core.cadence import is_due
from charrnn.core.errors import TrainingFailed
from charrnn.core.options import defaults
from charrnn.core.training_events import MetricsMeasured, SampleGenerated
from charrnn.model.generation.generator import Generator
from charrnn.model.training.train_state import TrainState

Logs = dict[str, float] | None

EXPLOSION_FACTOR, EXPLOSION_STEPS = 3, 100
"""A loss of this many times the first step's, for this many steps in a row, does not recover. (char-rnn ended at the
first such step, which ended trainings that would have recovered.)"""


class EventCallback(keras.callbacks.Callback):
    """Emit log messages and metrics."""

    def __init__(self, train_state: TrainState):
        super().__init__()
        self._train_state = train_state
        self._since, self._steps = time.monotonic(), 0

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Emit the loss of every step, and every `log_every_n` steps a log message and the other metrics."""
        logs, step = logs or {}, self._train_state.progress.step
        values = {"loss": logs["loss"]}
        self._steps += 1
        if step % self._train_state.options["log_every_n"] == 0 or step == self._train_state.total_steps:
            seconds = max(time.monotonic() - self._since, 1e-9) / self._steps
            characters = self._train_state.streams.num_seqs * self._train_state.streams.num_steps
            values |= {name: logs[name] for name in ("grad_norm", "learning_rate")}
            values["chars_per_second"] = characters / seconds
            # The format of the 2018 article's program, for tools that parse it.
            self._train_state.log(
                f"step: {step}/{self._train_state.total_steps}...  loss: {logs['loss']:.4f}...  {seconds:.4f} sec/batch"
            )
            self._since, self._steps = time.monotonic(), 0
        self._train_state.emit(MetricsMeasured(step, values))

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Emit the validation loss."""
        if logs and "val_loss" in logs:
            step, loss = self._train_state.progress.step, logs["val_loss"]
            best = ", the best so far" if self._train_state.progress.best_step == step else ""
            self._train_state.emit(MetricsMeasured(step, {"val_loss": loss}))
            self._train_state.log(
                f"validation at step {step}: {loss:.4f} nats, {loss / math.log(2):.4f} bits/character{best}"
            )
            if "network_loss" in logs:
                self._train_state.log(
                    f"the network alone: {logs['network_loss']:.4f} nats; its share in the mixture with the n-grams is "
                    f"{100 * self._train_state.progress.network_share:.0f} %"
                )
        self._since, self._steps = time.monotonic(), 0


class SampleCallback(keras.callbacks.Callback):
    """Generate a short text every `sample_every_n` steps, always with the same seed, to show the network's progress."""

    def __init__(self, train_state: TrainState):
        super().__init__()
        self._train_state = train_state
        self._generator = Generator(train_state.train_step.result, train_state.vocabulary, train_state.mixture)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Generate a sample if it is due."""
        every, step = self._train_state.options["sample_every_n"], self._train_state.progress.step
        is_last = every and step == self._train_state.total_steps
        if not is_last and not is_due(step, every, self._train_state.options["cadence"]):
            return
        options: dict[str, Any] = defaults("sampling") | {
            "max_length": 200,
            "seed": self._train_state.options["seed"] or 1,
        }
        text = "".join(chunk.text for chunk in self._generator.generate(options))
        self._train_state.emit(SampleGenerated(step, text, options))


class EndCallback(keras.callbacks.Callback):
    """End a training early if the loss explodes or validations stop improving."""

    def __init__(self, train_state: TrainState):
        super().__init__()
        self._train_state = train_state
        self._high = 0
        self.out_of_patience = False

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Count consecutive steps with an exploded loss.

        Raises:
            TrainingFailed: There were too many.
        """
        first = self._train_state.progress.first_loss or math.inf
        self._high = self._high + 1 if logs and logs["loss"] > EXPLOSION_FACTOR * first else 0
        if self._high >= EXPLOSION_STEPS:
            raise TrainingFailed(
                f"The loss has exploded: it has been above {EXPLOSION_FACTOR} × {first:.2f}, the loss of the first "
                f"step, for {EXPLOSION_STEPS} steps. "
                f"Lower learning_rate (now {self._train_state.options['learning_rate']:g}) or set a tighter "
                f"grad_clip (now {self._train_state.options['grad_clip']:g}, 0 is off). The last checkpoint is kept."
            )

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Count validations without improvement; a difference within the noise does not end the training."""
        patience, progress = self._train_state.options["patience"], self._train_state.progress
        if not patience or progress.without_gain < patience or not progress.newest_is_worse:
            return
        self._train_state.log(
            f"stopped improving after {formatting.duration(progress.best_seconds)}; best model at step "
            f"{progress.best_step:,}: no lower loss in {progress.without_gain} validations"
        )
        self.out_of_patience = True
