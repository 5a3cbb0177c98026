"""Fit the end of the learning-rate schedule to a time budget.

The first steps show how fast the machine is; later checks correct the estimate. The result is stored with the
training's progress, so a resumed training keeps it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

CHECK_TIMES = 0.04, 0.08, 0.15, 0.25, 0.4, 0.55, 0.7, 0.8, 0.87, 0.92, 0.96
"""Shares of the time budget at which the schedule is checked."""
MIN_STEPS = 10
"""Steps between two checks, needed to measure the time per step; fewer suffice if they are slow."""
FIRST_STEP = 3
"""First step that is measured; earlier ones include compilation."""
TARGET = 0.985
"""Share of the time budget at which the schedule ends; the rest is for the last validation and checkpoint."""
TOLERANCE = 0.015
"""The end is not moved by less than this share of the time budget."""
OVERTIME = 1.03
"""Share of the time budget at which the training ends in any case."""


class FittedProgress(Protocol):
    """The part of a training's stored progress that the plan uses."""

    step: int
    seconds: float
    fitted_steps: int
    fitted_from: int
    fitted_share: float
    looks: int
    estimated_steps: int


@dataclass
class SchedulePlan:
    """Determine the last step of a training and the completed share of its schedule.

    Args:
        options: Validated training options.
        progress: Progress of the training; fitted values are written to it.
        epoch_limit: Step at which `max_epochs` ends the training; a large number without this limit.
    """

    options: Mapping[str, Any]
    progress: FittedProgress
    epoch_limit: int
    _from_step: int = field(default=-1, init=False)
    _from_seconds: float = field(default=0.0, init=False)

    @property
    def fits_time(self) -> bool:
        """Whether the number of steps is fitted to the time budget."""
        return bool(self.options["fit_steps"] and self.options["max_minutes"])

    @property
    def time_limit(self) -> float:
        """The time budget in seconds; 0 for none."""
        return float(60 * self.options["max_minutes"])

    @property
    def total_steps(self) -> int:
        """Step at which the training will be complete, according to the newest estimate."""
        return self.progress.fitted_steps or min(self.options["max_steps"], self.epoch_limit)

    @property
    def out_of_time(self) -> bool:
        """Whether the time budget is used up."""
        allowed = self.time_limit * (OVERTIME if self.fits_time else 1)
        return 0 < allowed <= self.progress.seconds

    @property
    def share_done(self) -> float:
        """Completed share of the schedule, from 0 to 1: of the steps, or of a time limit that may end them early."""
        progress = self.progress
        done = self._share(progress.step)
        if self.time_limit and not self.fits_time:
            done = max(done, progress.seconds / self.time_limit)
        return done

    def refit(self) -> str:
        """Fit the end of the schedule to the measured speed if a check is due.

        Returns:
            A log line about the change; empty if nothing changed.
        """
        progress = self.progress
        if not self.fits_time or progress.step < FIRST_STEP:
            return ""
        if self._from_step < 0:
            self._from_step, self._from_seconds = progress.step, progress.seconds
            return ""
        is_first = not progress.fitted_steps and self.share_done >= self.options["lr_hold"] / 2
        if not is_first and not self._is_check_due():
            return ""
        steps, seconds = progress.step - self._from_step, progress.seconds - self._from_seconds
        if steps < MIN_STEPS and seconds < self.time_limit * 0.05:
            return ""
        progress.looks = sum(share * self.time_limit <= progress.seconds for share in CHECK_TIMES)
        self._from_step, self._from_seconds = progress.step, progress.seconds
        return self._fit(seconds / steps)

    def _is_check_due(self) -> bool:
        num_checks = self.progress.looks
        return num_checks < len(CHECK_TIMES) and self.progress.seconds >= CHECK_TIMES[num_checks] * self.time_limit

    def _fit(self, one_step: float) -> str:
        progress, before = self.progress, self.total_steps
        seconds_left = TARGET * self.time_limit - progress.seconds
        total = min(self.epoch_limit, progress.step + max(1, int(seconds_left / one_step)))
        change = abs(total - before) * one_step
        if progress.fitted_steps and change <= TOLERANCE * self.time_limit:
            return ""
        share, hold = self._share(progress.step), self.options["lr_hold"]
        # While the learning rate is constant, the schedule is the same as if its end had been known from the start.
        is_early = progress.fitted_from == 0 and share <= hold and progress.step <= hold * total
        progress.fitted_from, progress.fitted_share = (0, 0.0) if is_early else (progress.step, share)
        progress.estimated_steps = progress.estimated_steps or self.options["max_steps"]
        progress.fitted_steps = total
        return f"at {one_step:.4f} seconds per step, the schedule ends at step {total:,}"

    def _share(self, step: int) -> float:
        progress, total = self.progress, self.total_steps
        if total <= progress.fitted_from:
            return 1.0
        rest = (step - progress.fitted_from) / (total - progress.fitted_from)
        return min(1.0, progress.fitted_share + (1 - progress.fitted_share) * rest)

    def resume(self, before: Mapping[str, Any]) -> None:
        """Keep the fitted end of a stored training, unless the user has changed its limits.

        Args:
            before: Options stored with the training's checkpoint.
        """
        progress = self.progress
        limits = "max_minutes", "max_epochs", "fit_steps"
        same = all(self.options[name] == before.get(name, self.options[name]) for name in limits)
        if same and self.options["max_steps"] in (progress.fitted_steps, progress.estimated_steps):
            return
        if progress.fitted_steps:
            progress.fitted_steps = progress.fitted_from = progress.estimated_steps = progress.looks = 0
            progress.fitted_share = 0.0
