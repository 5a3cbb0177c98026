"""What a training does beside learning, as Keras callbacks: log, metrics, samples, early ends."""

import math
import time
from typing import Any

import keras

from charrnn.core.errors import TrainingFailed
from charrnn.core.options import defaults
from charrnn.core.training_events import MetricsMeasured, SampleGenerated
from charrnn.model.generation.generator import Writer
from charrnn.model.training.train_state import Run

Logs = dict[str, float] | None

EXPLODED, TOO_LONG = 3, 100
"""A loss this many times that of the first step, for this many steps in a row, will not come back. (char-rnn ended at
the first such step, which killed trainings that would have recovered.)"""


class Recorder(keras.callbacks.Callback):
    """Tells the log lines and the metrics."""

    def __init__(self, run: Run):
        super().__init__()
        self._run = run
        self._since, self._steps = time.monotonic(), 0

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Tell the loss of every step, and every `log_every_n` steps a line and the other metrics."""
        logs, step = logs or {}, self._run.progress.step
        values = {"loss": logs["loss"]}
        self._steps += 1
        if step % self._run.options["log_every_n"] == 0 or step == self._run.total_steps:
            seconds = max(time.monotonic() - self._since, 1e-9) / self._steps
            characters = self._run.streams.num_seqs * self._run.streams.num_steps
            values |= {name: logs[name] for name in ("grad_norm", "learning_rate")}
            values["chars_per_second"] = characters / seconds
            # the format of the 2018 article's program, for whatever reads it
            self._run.say(
                f"step: {step}/{self._run.total_steps}...  loss: {logs['loss']:.4f}...  {seconds:.4f} sec/batch"
            )
            self._since, self._steps = time.monotonic(), 0
        self._run.tell(MetricsMeasured(step, values))

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Tell the validation loss."""
        if logs and "val_loss" in logs:
            step, loss = self._run.progress.step, logs["val_loss"]
            best = ", the best so far" if self._run.progress.best_step == step else ""
            self._run.tell(MetricsMeasured(step, {"val_loss": loss}))
            self._run.say(f"validation at step {step}: {loss:.4f} nats, {loss / math.log(2):.4f} bits/character{best}")
        self._since, self._steps = time.monotonic(), 0


class Samples(keras.callbacks.Callback):
    """Writes a short text every so often; the same seed each time, so that only the network changes."""

    def __init__(self, run: Run):
        super().__init__()
        self._run = run
        self._writer = Writer(run.engine.result, run.vocabulary)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Write one sample every `sample_every_n` steps."""
        every, step = self._run.options["sample_every_n"], self._run.progress.step
        if not every or (step % every and step != self._run.total_steps):
            return
        options: dict[str, Any] = defaults("sampling") | {"max_length": 200, "seed": self._run.options["seed"] or 1}
        text = "".join(piece.text for piece in self._writer.write(options))
        self._run.tell(SampleGenerated(step, text, options))


class Ends(keras.callbacks.Callback):
    """Ends a training early: on an exploded loss, or when validations bring nothing any more."""

    def __init__(self, run: Run):
        super().__init__()
        self._run = run
        self._high = 0
        self.out_of_patience = False

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Count steps whose loss is far above that of the first.

        Raises:
            TrainingFailed: There were too many in a row.
        """
        first = self._run.progress.first_loss or math.inf
        self._high = self._high + 1 if logs and logs["loss"] > EXPLODED * first else 0
        if self._high >= TOO_LONG:
            raise TrainingFailed(
                f"The loss has been above {EXPLODED} × {first:.2f}, that of the first step, for {TOO_LONG} steps: it "
                f"has exploded. Lower learning_rate (now {self._run.options['learning_rate']:g}) or set a tighter "
                f"grad_clip (now {self._run.options['grad_clip']:g}, 0 is off). The last checkpoint is kept."
            )

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Count validations without gain."""
        patience = self._run.options["patience"]
        if patience and self._run.progress.without_gain >= patience:
            self._run.say(f"no lower loss in {patience} validations: the training ends")
            self.out_of_patience = True
