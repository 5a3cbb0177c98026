"""Train a model, and score it on a test split that is used neither for training nor for validation."""

import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy.typing as npt
from peers.text_split import TextSplit, standard_error

sys.path.insert(0, str(Path(__file__).parents[2]))  # the checkout, even if another version is installed

from charrnn.core.batches import split  # noqa: E402
from charrnn.core.training_events import CheckpointSaved, Event  # noqa: E402
from charrnn.core.vocabulary import Vocabulary  # noqa: E402
from charrnn.model.training.checkpoint import load_network  # noqa: E402
from charrnn.model.training.evaluation import Evaluation  # noqa: E402
from charrnn.model.training.training_loop import train  # noqa: E402


@dataclass(frozen=True)
class Scored:
    """The result of a training; losses in nats per character."""

    loss: float
    """Test loss of the best checkpoint, or of the newest one without validations."""
    error: float
    """Standard error of the test loss, estimated from block means."""
    validation: float
    """Validation loss of the same checkpoint."""
    step: int
    """Step of the same checkpoint."""
    steps: int
    """Number of steps of the training."""
    seconds: float
    """Wall-clock time of the training, including compilation."""
    lowest: float | None
    """Lowest loss of the additional validations; `None` without them."""


def train_and_score(parts: TextSplit, options: Mapping[str, Any], *, every: int = 0) -> Scored:
    """Train on a text and score the best checkpoint on its test split.

    Args:
        parts: The text.
        options: Validated training options.
        every: Number of steps between additional validations, which take time but do not affect the training; 0 for
            none.
    """
    vocabulary = Vocabulary.from_counts(Counter(parts.train), options["max_vocab"])
    ids = vocabulary.encode(parts.train)
    events: list[Event] = []
    validations = _AdditionalValidations(ids, options, every)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        train(
            ids, vocabulary, dict(options), folder=Path(folder), number=1, emit=events.append,
            should_stop=lambda: False, callbacks=[validations] if every else [],
        )  # fmt: skip
        seconds = time.monotonic() - begun
        saved = [event for event in events if isinstance(event, CheckpointSaved)]
        best = ([event for event in saved if event.kind == "best"] or saved)[-1]
        network, _, _ = load_network(Path(folder, best.folder))
    test_ids = vocabulary.encode(parts.context + parts.test)
    losses = Evaluation(network, test_ids, first=len(parts.context)).losses()
    return Scored(
        loss=float(losses.mean()),
        error=standard_error(losses),
        validation=math.nan if best.loss is None else best.loss,
        step=best.step,
        steps=saved[-1].step,
        seconds=seconds,
        lowest=min(validations.losses) if validations.losses else None,
    )


class _AdditionalValidations(keras.callbacks.Callback):
    """Validate more often than the training does."""

    def __init__(self, ids: npt.NDArray[Any], options: Mapping[str, Any], every: int):
        super().__init__()
        self._ids, self._options, self._every, self._step = ids, options, every, 0
        self._evaluation: Evaluation | None = None
        self.losses: list[float] = []

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._step += 1
        if self._step % self._every:
            return
        if self._evaluation is None:
            sizes = {name: self._options[name] for name in ("val_fraction", "max_val_chars", "num_seqs", "num_steps")}
            batch_shape = self._options["num_seqs"], self._options["num_steps"]
            first = split(len(self._ids), **sizes).num_train
            self._evaluation = Evaluation(self.model, self._ids, first=first, batch_shape=batch_shape)
        self.losses.append(self._evaluation.loss())
