"""Train a preset of this project, in turns; print results in the format of `torch_gpt.py`, with every validation.

Seconds are counted during steps, including the compilation in the first one, but not during validations.
"""

import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import keras

sys.path.insert(0, str(Path(__file__).parents[2]))  # the checkout, even if another version is installed

from preset_options import preset_options  # noqa: E402
from turn_protocol import send, wait_for_turn  # noqa: E402

from charrnn.core.training_events import Event, MetricsMeasured  # noqa: E402
from charrnn.core.vocabulary import Vocabulary  # noqa: E402
from charrnn.model.training.training_loop import train  # noqa: E402

TURN_SECONDS = 5.0


class Turns(keras.callbacks.Callback):
    """Pause the training between turns, and report seconds and validation losses after each turn."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = self.turn_seconds = 0.0
        self.losses: list[tuple[float, float]] = []

    def on_train_batch_begin(self, batch, logs=None):
        if self.turn_seconds >= TURN_SECONDS:
            self.end_turn(done=False)
            if not wait_for_turn():
                raise SystemExit
        self.begun = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        step_seconds = time.perf_counter() - self.begun
        self.seconds += step_seconds
        self.turn_seconds += step_seconds

    def record(self, event: Event) -> None:
        """Record a validation loss with its time."""
        if isinstance(event, MetricsMeasured) and "val_loss" in event.values:
            self.losses.append((self.seconds, event.values["val_loss"]))

    def end_turn(self, *, done: bool) -> None:
        """Print the result of the turn."""
        send(json.dumps({"seconds": self.seconds, "done": done, "losses": self.losses}))
        self.turn_seconds, self.losses = 0.0, []


def main() -> None:
    """Train on a text; arguments are its file, the preset, the steps between validations, and a time budget."""
    text, preset, eval_every_n = Path(sys.argv[1]).read_text("utf-8"), sys.argv[2], int(sys.argv[3])
    minutes = float(sys.argv[4]) if len(sys.argv) > 4 else None
    vocabulary = Vocabulary.from_counts(Counter(text), 10_000)
    ids = vocabulary.encode(text)
    changes = {"val_fraction": 0.1, "max_val_chars": 0, "eval_every_n": eval_every_n, "patience": 0}
    # A time limit would count the turns of the other program as well.
    options = preset_options(preset, text, minutes, fixed_steps=True, changes=changes)
    turns = Turns()
    send("ready")
    if wait_for_turn():
        with tempfile.TemporaryDirectory() as folder:
            train(
                ids, vocabulary, options, folder=Path(folder), number=1, emit=turns.record,
                should_stop=lambda: False, callbacks=[turns],
            )  # fmt: skip
        turns.end_turn(done=True)
        wait_for_turn()


if __name__ == "__main__":
    main()
