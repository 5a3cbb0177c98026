"""Describe a training that is about to start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from charrnn.core.batches import check_length
from charrnn.core.options import Value
from charrnn.core.records import Corpus
from charrnn.core.training_events import Listener


@dataclass(frozen=True)
class TrainingRequest:
    """A text and validated options to train a model with.

    Raises:
        TextError: The text is too short for a single batch.
    """

    corpus: Corpus
    options: Mapping[str, Value]
    """All training options, as returned by `charrnn.core.options.checked`."""
    callbacks: Sequence[Any] = ()
    """Keras callbacks."""
    listeners: Sequence[Listener] = ()
    """Called with every event, on the training's thread."""
    resumes: bool = False
    """Whether to continue from the newest checkpoint instead of starting at the first step."""

    def __post_init__(self) -> None:
        check_length(self.corpus.num_characters, int(self.options["num_seqs"]), int(self.options["num_steps"]))
