"""Provide a text, vocabulary and options for networks that compile within a second or two."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.core.options import checked
from charrnn.core.records import ModelState
from charrnn.core.training_events import Event
from charrnn.core.vocabulary import Vocabulary
from charrnn.model.training.training_loop import train

VOCABULARY = Vocabulary("eab \nd")
"""Six characters, so seven classes."""
CLASSES = 7
IDS = np.random.default_rng(3).integers(0, 6, 131).astype(np.uint8)


def tiny(**changes: Any) -> dict[str, Any]:
    """Return options of two layers of 5 units, batches of 3 × 4 characters and a keep probability of 0.67."""
    small = {"num_seqs": 3, "num_steps": 4, "lstm_size": 5, "embedding_size": 3, "max_steps": 6, "val_fraction": 0.2}
    return checked("training", small | {"train_keep_prob": 0.67, "learning_rate": 0.01, "sample_every_n": 0} | changes)


def learn(folder: Path, options: dict[str, Any], **changes: Any) -> tuple[ModelState, list[Event]]:
    """Train on IDS; return the final state and all events."""
    events: list[Event] = []
    arguments: dict[str, Any] = {"folder": folder, "number": 1, "emit": events.append, "should_stop": never} | changes
    return train(arguments.pop("ids", IDS), VOCABULARY, options, **arguments), events


def never() -> bool:
    """Never request a stop."""
    return False


def after(steps: int) -> Callable[[], bool]:
    """Return a function that requests a stop after some steps."""
    left = iter(range(steps - 1, -1, -1))
    return lambda: next(left) == 0
