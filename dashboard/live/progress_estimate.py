"""Estimate the progress of a training: steps, speed and time left."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import numpy as np

from charrnn.core.errors import TextError
from charrnn.core.options import defaults
from charrnn.core.records import Corpus, Curve, Model
from charrnn.services.cost_estimate import length

WINDOW_SECONDS = 30.0
"""Speed is the mean over this time: steady, and correct soon after a pause for validation."""


@dataclass(frozen=True)
class ProgressEstimate:
    """Progress of a training."""

    step: int
    total: int
    characters_per_second: float | None
    seconds_left: float | None

    @property
    def share(self) -> float:
        """Share of the steps that are done, `0 … 1`."""
        return min(1.0, self.step / self.total) if self.total else 0.0

    @classmethod
    def of(
        cls, model: Model, corpus: Corpus | None, losses: Curve | None, now: float | None = None
    ) -> "ProgressEstimate":
        """Estimate the progress of a model's training.

        Args:
            model: The model that is trained.
            corpus: Its corpus.
            losses: Its training losses.
            now: Current time in seconds since 1970.
        """
        total = total_steps(model.train_params, corpus)
        now = time.time() if now is None else now
        speed = _steps_per_second(losses) if losses else None
        characters = model.train_params.get("num_seqs", 0) * model.train_params.get("num_steps", 0)
        ends = [(total - model.step) / speed] if speed else []
        minutes = model.train_params.get("max_minutes", 0)
        if minutes and losses and model.started_at:
            ends.append(model.started_at.replace(tzinfo=UTC).timestamp() + 60 * minutes - now)
        return cls(model.step, total, speed * characters if speed else None, max(0.0, min(ends)) if ends else None)


def total_steps(options: Mapping[str, Any], corpus: Corpus | None) -> int:
    """Return the step at which a training is complete; 0 if it is unknown."""
    if corpus is None or not options:
        return int(options.get("max_steps", 0))
    try:
        return length({**defaults("training"), **options}, corpus.num_characters)[1]
    except TextError:
        return 0


def _steps_per_second(losses: Curve) -> float | None:
    if len(losses) < 2:
        return None
    # Times are sorted: find the first value within the window.
    first = np.searchsorted(losses.seconds, losses.seconds[-1] - WINDOW_SECONDS)
    seconds, steps = losses.seconds[-1] - losses.seconds[first], losses.steps[-1] - losses.steps[first]
    return float(steps / seconds) if seconds > 0 and steps > 0 else None
