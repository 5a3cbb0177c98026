"""A training of this project with a preset, in turns; it answers as torch_gpt.py does, with every validation.

The clock runs while steps are done, the first one's compilation included, and stands while it is validated.
"""

import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import keras

sys.path.insert(0, str(Path(__file__).parents[2]))  # as it is here, installed or not

from benchmark_options import recipe  # noqa: E402
from turn_protocol import tell, wait  # noqa: E402

from charrnn.core.training_events import Event, MetricsMeasured  # noqa: E402
from charrnn.core.vocabulary import Vocabulary  # noqa: E402
from charrnn.model.training.training_loop import train  # noqa: E402

TURN_SECONDS = 5.0


class Turns(keras.callbacks.Callback):
    """Does steps when it is its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = self.turn = 0.0
        self.losses: list[tuple[float, float]] = []

    def on_train_batch_begin(self, batch, logs=None):
        if self.turn >= TURN_SECONDS:
            self.answer(done=False)
            if not wait():
                raise SystemExit
        self.begun = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        took = time.perf_counter() - self.begun
        self.seconds, self.turn = self.seconds + took, self.turn + took

    def hear(self, event: Event) -> None:
        """Note validations."""
        if isinstance(event, MetricsMeasured) and "val_loss" in event.values:
            self.losses.append((self.seconds, event.values["val_loss"]))

    def answer(self, *, done: bool) -> None:
        """End the turn."""
        tell(json.dumps({"seconds": self.seconds, "done": done, "losses": self.losses}))
        self.turn, self.losses = 0.0, []


def main() -> None:
    """Train on a text with a preset, validated every so many steps."""
    text, name, every = Path(sys.argv[1]).read_text("utf-8"), sys.argv[2], int(sys.argv[3])
    minutes = float(sys.argv[4]) if len(sys.argv) > 4 else None
    vocabulary = Vocabulary.from_counts(Counter(text), 10_000)
    ids = vocabulary.encode(text)
    validated = {"val_fraction": 0.1, "max_val_chars": 0, "eval_every_n": every, "patience": 0}
    # in steps, since turns take their time by the clock, too
    options = recipe(name, text, minutes, quiet=True, given=validated)
    turns = Turns()
    tell("ready")
    if wait():
        with tempfile.TemporaryDirectory() as folder:
            train(
                ids, vocabulary, options, folder=Path(folder), number=1, emit=turns.hear, should_stop=lambda: False,
                callbacks=[turns],
            )  # fmt: skip
        turns.answer(done=True)
        wait()


if __name__ == "__main__":
    main()
