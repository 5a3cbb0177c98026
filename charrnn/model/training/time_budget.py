"""Fit the end of a schedule to the time budget.

The first steps show how fast the machine is, and later comparisons with the clock correct the estimate. The result is
stored in the training's progress, so that a resumed training keeps it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

LOOKS = 0.04, 0.08, 0.15, 0.25, 0.4, 0.55, 0.7, 0.8, 0.87, 0.92, 0.96
"""Fractions of the time budget at which the schedule is compared with the clock."""
MIN_STEPS = 10
"""Minimum number of steps between two comparisons, to measure the time per step; fewer if steps are slow."""
FIRST_STEP = 3
"""Earlier steps are not measured, because they compile."""
TARGET = 0.985
"""Fraction of the time budget at which the schedule ends; the last validation and checkpoint take the rest."""
TOLERANCE = 0.015
"""The end is not moved by less than this fraction of the time budget."""
OVERTIME = 1.03
"""The training always ends at this fraction of the time budget."""


class Fitted(Protocol):
    """The fields of a training's progress that a plan reads and writes."""

    step: int
    seconds: float
    fitted_steps: int
    fitted_from: int
    fitted_share: float
    looks: int
    estimated_steps: int


@dataclass
class TimeBudget:
    """Determine at which step a training ends, and which fraction of its schedule is completed.

    Args:
        options: Validated training options.
        progress: The progress of the training; fitted values are written to it.
        epoch_limit: Step at which `max_epochs` is reached; a large number if there is no limit.
    """

    options: Mapping[str, Any]
    progress: Fitted
    epoch_limit: int
    _from_step: int = field(default=-1, init=False)
    _from_seconds: float = field(default=0.0, init=False)

    @property
    def is_fitted(self) -> bool:
        """Whether the time budget determines the number of steps."""
        return bool(self.options["fit_steps"] and self.options["max_minutes"])

    @property
    def limit(self) -> float:
        """The time budget in seconds; 0 for none."""
        return float(60 * self.options["max_minutes"])

    @property
    def total_steps(self) -> int:
        """Step at which the training is complete, as currently planned."""
        return self.progress.fitted_steps or min(self.options["max_steps"], self.epoch_limit)

    @property
    def out_of_time(self) -> bool:
        """Whether the time budget is used up."""
        allowed = self.limit * (OVERTIME if self.is_fitted else 1)
        return 0 < allowed <= self.progress.seconds

    @property
    def completed(self) -> float:
        """Completed fraction of the schedule, `0 … 1`, in steps or, if the time limit is not fitted, in minutes."""
        progress = self.progress
        done = self._completed(progress.step)
        if self.limit and not self.is_fitted:
            done = max(done, progress.seconds / self.limit)
        return done

    def adjust(self) -> str:
        """Compare the schedule with the clock if it is due, and fit its end.

        Returns:
            A log message about the change and its reason; empty if nothing changed.
        """
        progress = self.progress
        if not self.is_fitted or progress.step < FIRST_STEP:
            return ""
        if self._from_step < 0:
            self._from_step, self._from_seconds = progress.step, progress.seconds
            return ""
        is_first = not progress.fitted_steps and self.completed >= self.options["lr_hold"] / 2
        if not is_first and not self._is_due():
            return ""
        steps, seconds = progress.step - self._from_step, progress.seconds - self._from_seconds
        if steps < MIN_STEPS and seconds < self.limit * 0.05:
            return ""
        progress.looks = sum(share * self.limit <= progress.seconds for share in LOOKS)
        self._from_step, self._from_seconds = progress.step, progress.seconds
        return self._fit(seconds / steps)

    def _is_due(self) -> bool:
        looks = self.progress.looks
        return looks < len(LOOKS) and self.progress.seconds >= LOOKS[looks] * self.limit

    def _fit(self, step_seconds: float) -> str:
        progress, before = self.progress, self.total_steps
        left = TARGET * self.limit - progress.seconds
        total = min(self.epoch_limit, progress.step + max(1, int(left / step_seconds)))
        change = abs(total - before) * step_seconds
        if progress.fitted_steps and change <= TOLERANCE * self.limit:
            return ""
        share, hold = self._completed(progress.step), self.options["lr_hold"]
        # While the learning rate is constant, the new schedule equals one whose end was known from the beginning.
        is_early = progress.fitted_from == 0 and share <= hold and progress.step <= hold * total
        progress.fitted_from, progress.fitted_share = (0, 0.0) if is_early else (progress.step, share)
        progress.estimated_steps = progress.estimated_steps or self.options["max_steps"]
        progress.fitted_steps = total
        return f"at {step_seconds:.4f} seconds per step, the schedule ends at step {total:,}"

    def _completed(self, step: int) -> float:
        progress, total = self.progress, self.total_steps
        if total <= progress.fitted_from:
            return 1.0
        rest = (step - progress.fitted_from) / (total - progress.fitted_from)
        return min(1.0, progress.fitted_share + (1 - progress.fitted_share) * rest)

    def resume(self, stored: Mapping[str, Any]) -> None:
        """Keep the fitted end of a stored training, unless the user has set another end since.

        Args:
            stored: Options of the stored training.
        """
        progress = self.progress
        ends = "max_minutes", "max_epochs", "fit_steps"
        same = all(self.options[name] == stored.get(name, self.options[name]) for name in ends)
        if same and self.options["max_steps"] in (progress.fitted_steps, progress.estimated_steps):
            return
        progress.fitted_steps = progress.fitted_from = progress.estimated_steps = progress.looks = 0
        progress.fitted_share = 0.0
        has_more_time = self.is_fitted and self.options["max_minutes"] > stored.get("max_minutes", 0)
        if has_more_time and progress.step >= self.total_steps:  # estimate the number of steps from the speed so far
            longer = progress.step * self.limit / max(progress.seconds, 1e-9)
            progress.estimated_steps = self.options["max_steps"]
            progress.fitted_steps = max(progress.step, min(self.epoch_limit, int(longer)))
