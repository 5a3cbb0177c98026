"""One training, scored on a part of the same text that neither training nor validation has seen."""

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

sys.path.insert(0, str(Path(__file__).parents[2]))  # as it is here, installed or not

from charrnn.core.batches import split  # noqa: E402
from charrnn.core.training_events import CheckpointSaved, Event  # noqa: E402
from charrnn.core.vocabulary import Vocabulary  # noqa: E402
from charrnn.model.training.checkpoint import load_network  # noqa: E402
from charrnn.model.training.evaluation import Evaluation  # noqa: E402
from charrnn.model.training.training_loop import train  # noqa: E402


@dataclass(frozen=True)
class Scored:
    """What came of a training; losses in nats per character."""

    loss: float
    """Of the model that is used for writing, on the test part."""
    error: float
    """Standard error of the loss, from block means."""
    validation: float
    """Of that model, on its validation part."""
    step: int
    """That it is from."""
    steps: int
    """That the training did."""
    seconds: float
    """By the clock, compiling included."""
    lowest: float | None
    """Lowest loss on the validation part among dense extra validations, where they were asked for."""


def train_and_score(parts: TextSplit, options: Mapping[str, Any], *, every: int = 0) -> Scored:
    """Train on one part of a text and score the model that would be used for writing on another.

    Args:
        parts: The text.
        options: Training options, checked.
        every: Steps between two extra validations, which change nothing and take time; 0 for none.
    """
    vocabulary = Vocabulary.from_counts(Counter(parts.own), options["max_vocab"])
    ids = vocabulary.encode(parts.own)
    heard: list[Event] = []
    dense = _Dense(ids, options, every)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        train(
            ids, vocabulary, dict(options), folder=Path(folder), number=1, emit=heard.append,
            should_stop=lambda: False, callbacks=[dense] if every else [],
        )  # fmt: skip
        seconds = time.monotonic() - begun
        saved = [event for event in heard if isinstance(event, CheckpointSaved)]
        kept = [event for event in saved if event.kind == "best"] or saved
        network, _, _ = load_network(Path(folder, kept[-1].folder))
    scored = vocabulary.encode(parts.before + parts.test)
    losses = Evaluation(network, scored, first=len(parts.before)).losses()
    return Scored(
        loss=float(losses.mean()),
        error=standard_error(losses),
        validation=math.nan if kept[-1].loss is None else kept[-1].loss,
        step=kept[-1].step,
        steps=saved[-1].step,
        seconds=seconds,
        lowest=min(dense.losses) if dense.losses else None,
    )


class _Dense(keras.callbacks.Callback):
    """Validates more often than the training does."""

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
            like = self._options["num_seqs"], self._options["num_steps"]
            first = split(len(self._ids), **sizes).num_train
            self._evaluation = Evaluation(self.model, self._ids, first=first, like=like)
        self.losses.append(self._evaluation.loss())
