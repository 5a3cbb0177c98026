"""Summarize how a completed training ended and recommend what to try next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from charrnn.core.batches import epoch_limit

IMPROVING_SHARE = 0.9
"""A training was improving to the end if its best step is not before this share of its steps."""


class Remedy(StrEnum):
    """What would improve a model."""

    TEXT = "text"
    """A longer text."""
    TIME = "time"
    """A longer training."""
    UNKNOWN = ""
    """The training was not validated."""


@dataclass(frozen=True)
class Outcome:
    """The end of a completed training."""

    step: int
    best_step: int | None
    """Step with the lowest validation loss; `None` without validation."""
    stopped_improving: bool
    """Whether early stopping ended the training."""
    remedy: Remedy

    @property
    def can_continue(self) -> bool:
        """Whether a longer training may improve the model."""
        return self.remedy != Remedy.TEXT

    @property
    def advice(self) -> str:
        """Advice for the user, one or two sentences; may be empty."""
        if self.stopped_improving:
            return (
                f"Stopped improving; best model at step {self.best_step:,}. "
                "A longer text would help, more time would not."
            )
        match self.remedy:
            case Remedy.TEXT:
                return f"Best model at step {self.best_step:,}. A longer text would help, more time would not."
            case Remedy.TIME:
                return "It was improving to the end: more time would help."
            case _:
                return ""


def outcome(
    options: Mapping[str, Any],
    *,
    step: int,
    total_steps: int,
    steps_per_epoch: int,
    best_step: int | None,
    validations: Sequence[int],
) -> Outcome:
    """Return the outcome of a completed training.

    Args:
        options: Validated training options; `max_steps` as adjusted to the time budget.
        step: Step at which the training ended.
        total_steps: Step at which `max_steps` and `max_epochs` would have ended it.
        steps_per_epoch: Steps per epoch.
        best_step: Step of the best checkpoint; `None` if there is none.
        validations: Step of each validation.
    """
    if best_step is None or not validations:
        return Outcome(step, None, False, Remedy.UNKNOWN)
    is_early = step < total_steps
    num_since_best = sum(1 for at in validations if at > best_step)
    stopped = bool(options["patience"]) and is_early and num_since_best >= options["patience"]
    limit = epoch_limit(options, steps_per_epoch)
    all_epochs = limit is not None and step >= limit
    if stopped or best_step < IMPROVING_SHARE * step or all_epochs:
        return Outcome(step, best_step, stopped, Remedy.TEXT)
    return Outcome(step, best_step, False, Remedy.TIME)
