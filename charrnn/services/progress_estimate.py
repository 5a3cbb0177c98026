"""Estimate the progress of a training: steps, speed and time left."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from charrnn.core import training_speed
from charrnn.core.errors import TextError
from charrnn.core.options import defaults
from charrnn.core.records import Corpus, Curve, Model
from charrnn.services.cost_estimate import count_steps


@dataclass(frozen=True)
class ProgressEstimate:
    """The progress of a training."""

    step: int
    total: int
    characters_per_second: float | None
    seconds_left: float | None

    @property
    def fraction(self) -> float:
        """Completed fraction of the steps, `0 … 1`."""
        return min(1.0, self.step / self.total) if self.total else 0.0

    @classmethod
    def of(
        cls, model: Model, corpus: Corpus | None, losses: Curve | None, now: float | None = None
    ) -> "ProgressEstimate":
        """Estimate the progress of a model's training.

        Args:
            model: The model.
            corpus: Its corpus, if it is known.
            losses: Its training losses, if they are known.
            now: Current time in seconds since 1970; the clock's if missing.
        """
        total = total_steps(model.train_params, corpus)
        now = time.time() if now is None else now
        speed = training_speed.steps_per_second(losses.steps, losses.seconds) if losses else None
        characters = model.train_params.get("num_seqs", 0) * model.train_params.get("num_steps", 0)
        minutes = model.train_params.get("max_minutes", 0)
        to_time_limit = None
        if minutes and losses and model.started_at:
            to_time_limit = model.started_at.replace(tzinfo=UTC).timestamp() + 60 * minutes - now
        left = training_speed.seconds_left(
            to_last_step=(total - model.step) / speed if speed else None, to_time_limit=to_time_limit
        )
        return cls(model.step, total, speed * characters if speed else None, left)


def total_steps(options: Mapping[str, Any], corpus: Corpus | None) -> int:
    """Return the step at which a training is complete; 0 if it is unknown."""
    if corpus is None or not options:
        return int(options.get("max_steps", 0))
    try:
        return count_steps({**defaults("training"), **options}, corpus.num_characters)[1]
    except TextError:
        return 0


def percent_complete(model: Model) -> int:
    """Return the share of the maximum number of steps that are done, `0 … 100`; 0 if the maximum is unknown."""
    total = total_steps(model.train_params, None)
    return min(100, 100 * model.step // total) if total else 0
