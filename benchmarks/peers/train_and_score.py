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
import numpy as np
import numpy.typing as npt
from peers.text_split import TextSplit, standard_error, test_pieces

sys.path.insert(0, str(Path(__file__).parents[2]))  # the checkout, even if another version is installed

from charrnn.core.batches import Ids, split  # noqa: E402
from charrnn.core.network_ngram_mixture import Mixture, best_share  # noqa: E402
from charrnn.core.ngrams import count_ngrams  # noqa: E402
from charrnn.core.training_events import CheckpointSaved, Event  # noqa: E402
from charrnn.core.vocabulary import Vocabulary  # noqa: E402
from charrnn.model.network.network import Network  # noqa: E402
from charrnn.model.training.checkpoint import load_mixture, load_network  # noqa: E402
from charrnn.model.training.dynamic_evaluation import adaptive_losses  # noqa: E402
from charrnn.model.training.evaluation import Evaluation  # noqa: E402
from charrnn.model.training.training_loop import train  # noqa: E402


@dataclass(frozen=True)
class Scored:
    """The result of a training; losses in nats per character."""

    loss: float
    """Test loss of the best checkpoint, or of the newest one without validations. If the model mixes its network with
    n-grams, as in generation, so does this loss."""
    network: float
    """Test loss of the network alone."""
    adaptive: float | None
    """Test loss of a model that continues to learn from the test split, like PPMd, on the same pieces of it; `None` if
    not measured."""
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


def train_and_score(parts: TextSplit, options: Mapping[str, Any], *, every: int = 0, adaptive: bool = False) -> Scored:
    """Train on a text and score the best checkpoint on its test split.

    Args:
        parts: The text.
        options: Validated training options.
        every: Number of steps between additional validations, which take time but do not affect the training; 0 for
            none.
        adaptive: Also measure the loss of a model that continues to learn.
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
        mixture = load_mixture(Path(folder, best.folder))
    of_network, of_model = _test_losses(
        network, mixture, vocabulary.encode(parts.context), vocabulary.encode(parts.test)
    )
    return Scored(
        loss=float(of_model.mean()),
        network=float(of_network.mean()),
        adaptive=_adaptive_loss(network, mixture, vocabulary, parts) if adaptive else None,
        error=standard_error(of_model),
        validation=math.nan if best.loss is None else best.loss,
        step=best.step,
        steps=saved[-1].step,
        seconds=seconds,
        lowest=min(validations.losses) if validations.losses else None,
    )


def _test_losses(
    network: Network, mixture: Mixture | None, context: Ids, test: Ids
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the loss of each character of the test split under the network alone, and under the model."""
    ids = np.concatenate([context, test])
    losses = Evaluation(network, ids, first=len(context)).losses()
    if mixture is None:
        return losses, losses
    return losses, mixture.losses(losses, mixture.ngrams.probabilities(ids)[len(context) - 1 :])


def _adaptive_loss(network: Network, mixture: Mixture | None, vocabulary: Vocabulary, parts: TextSplit) -> float:
    pieces = [vocabulary.encode(piece) for piece in test_pieces(parts)]
    return float(np.mean([adaptive_losses(network, piece, mixture).mean() for piece in pieces]))


class _AdditionalValidations(keras.callbacks.Callback):
    """Validate more often than the training does."""

    def __init__(self, ids: npt.NDArray[Any], options: Mapping[str, Any], every: int):
        super().__init__()
        self._ids, self._options, self._every, self._step = ids, options, every, 0
        self._evaluation: Evaluation | None = None
        self._mixture: Mixture | None = None
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
            if order := self._options["ngram_order"]:
                ngrams = count_ngrams(self._ids[:first], self.model.num_classes, order)
                self._mixture, self._of_ngrams = Mixture(ngrams), ngrams.probabilities(self._ids)[first - 1 :]
        losses = self._evaluation.losses()
        if self._mixture is not None:
            self._mixture.share = best_share(losses, self._of_ngrams)
            losses = self._mixture.losses(losses, self._of_ngrams)
        self.losses.append(float(losses.mean()))
