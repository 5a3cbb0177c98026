"""How a completed training ended, and what would make its model better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

STILL_IMPROVING = 0.9
"""Share of its steps after which a training had its best model, if it was improving to the end."""


class Help(StrEnum):
    """What would make a model better."""

    TEXT = "text"
    TIME = "time"
    NOT_KNOWN = ""
    """Nothing was validated, or the best model came before the end for a reason that cannot be told."""


@dataclass(frozen=True)
class Outcome:
    """The end of a completed training."""

    step: int
    best_step: int | None
    """Step with the lowest validation loss; `None` where nothing was validated."""
    stopped_improving: bool
    """Whether validations without a lower loss ended it."""
    helps: Help

    @property
    def can_continue(self) -> bool:
        """Whether training on may give a better model."""
        return self.helps != Help.TEXT

    @property
    def advice(self) -> str:
        """A sentence or two for the user; empty where there is nothing to advise."""
        if self.stopped_improving:
            return (
                f"Stopped improving; best model at step {self.best_step:,}. "
                "A longer text would help, more time would not."
            )
        match self.helps:
            case Help.TEXT:
                return f"Best model at step {self.best_step:,}. A longer text would help, more time would not."
            case Help.TIME:
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
    """Tell how a training ended.

    Args:
        options: Its options, checked; `max_steps` as fitted to the minutes.
        step: Step at which it was completed.
        total_steps: Step at which its steps and epochs end.
        steps_per_epoch: Steps in which the text is read once.
        best_step: Step of its best checkpoint; `None` where there is none.
        validations: Step of each validation.
    """
    if best_step is None or not validations:
        return Outcome(step, None, False, Help.NOT_KNOWN)
    is_early = step < total_steps
    unimproved = sum(1 for at in validations if at > best_step)
    stopped = bool(options["patience"]) and is_early and unimproved >= options["patience"]
    all_epochs = bool(options["max_epochs"]) and step >= round(options["max_epochs"] * steps_per_epoch)
    if stopped or best_step < STILL_IMPROVING * step or all_epochs:
        return Outcome(step, best_step, stopped, Help.TEXT)
    return Outcome(step, best_step, False, Help.TIME)
