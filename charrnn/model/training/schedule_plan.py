"""The end of a schedule, fitted to the time budget: the first steps show how fast the machine is, and looks at the
clock later on correct it. What was found is stored with the training's progress, so that a resumed one keeps to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

LOOKS = 0.04, 0.08, 0.15, 0.25, 0.4, 0.55, 0.7, 0.8, 0.87, 0.92, 0.96
"""Shares of the time budget at which the clock is looked at."""
FEWEST_STEPS = 10
"""Between two looks, to know how long one takes; fewer where they are slow."""
FIRST_STEP = 3
"""The steps before this one compile."""
AIM = 0.985
"""Share of the time budget that the schedule ends at; the last validation and checkpoint take the rest."""
TOLERANCE = 0.015
"""The end is left where it is when it is within this share of the time budget."""
OVERTIME = 1.03
"""The training ends in any case at this share of the time budget."""


class Fitted(Protocol):
    """What is stored with a training's progress."""

    step: int
    seconds: float
    fitted_steps: int
    fitted_from: int
    fitted_share: float
    looks: int
    estimated_steps: int


@dataclass
class Plan:
    """Decides at which step a training ends, and which share of its schedule is done.

    Args:
        options: Training options, checked.
        progress: How far the training is; fitted values are written to it.
        by_passes: Step at which the passes over the text end; a large number for no limit.
    """

    options: Mapping[str, Any]
    progress: Fitted
    by_passes: int
    _from_step: int = field(default=-1, init=False)
    _from_seconds: float = field(default=0.0, init=False)

    @property
    def is_fitted(self) -> bool:
        """Whether the clock decides on the number of steps."""
        return bool(self.options["fit_steps"] and self.options["max_minutes"])

    @property
    def limit(self) -> float:
        """The time budget in seconds; 0 for none."""
        return float(60 * self.options["max_minutes"])

    @property
    def total_steps(self) -> int:
        """Step at which the training is complete, as far as is known."""
        return self.progress.fitted_steps or min(self.options["max_steps"], self.by_passes)

    @property
    def out_of_time(self) -> bool:
        """Whether the time budget is used up."""
        allowed = self.limit * (OVERTIME if self.is_fitted else 1)
        return 0 < allowed <= self.progress.seconds

    @property
    def share_done(self) -> float:
        """Share of the schedule that is done, `0 … 1`: in steps, or in minutes where these end a training unplanned."""
        progress = self.progress
        done = self._share(progress.step)
        if self.limit and not self.is_fitted:
            done = max(done, progress.seconds / self.limit)
        return done

    def look(self) -> str:
        """Look at the clock if it is time to; fit the end of the schedule.

        Returns:
            What was changed and why, in words; empty if nothing was.
        """
        progress = self.progress
        if not self.is_fitted or progress.step < FIRST_STEP:
            return ""
        if self._from_step < 0:
            self._from_step, self._from_seconds = progress.step, progress.seconds
            return ""
        is_first = not progress.fitted_steps and self.share_done >= self.options["lr_hold"] / 2
        if not is_first and not self._is_time():
            return ""
        steps, seconds = progress.step - self._from_step, progress.seconds - self._from_seconds
        if steps < FEWEST_STEPS and seconds < self.limit * 0.05:
            return ""
        progress.looks = sum(share * self.limit <= progress.seconds for share in LOOKS)
        self._from_step, self._from_seconds = progress.step, progress.seconds
        return self._fit(seconds / steps)

    def _is_time(self) -> bool:
        looks = self.progress.looks
        return looks < len(LOOKS) and self.progress.seconds >= LOOKS[looks] * self.limit

    def _fit(self, one_step: float) -> str:
        progress, before = self.progress, self.total_steps
        left = AIM * self.limit - progress.seconds
        total = min(self.by_passes, progress.step + max(1, int(left / one_step)))
        off = abs(total - before) * one_step
        if progress.fitted_steps and off <= TOLERANCE * self.limit:
            return ""
        share, hold = self._share(progress.step), self.options["lr_hold"]
        # while the learning rate is constant, it is as if the end had been known from the beginning
        is_early = progress.fitted_from == 0 and share <= hold and progress.step <= hold * total
        progress.fitted_from, progress.fitted_share = (0, 0.0) if is_early else (progress.step, share)
        progress.estimated_steps = progress.estimated_steps or self.options["max_steps"]
        progress.fitted_steps = total
        return f"at {one_step:.4f} seconds a step, the schedule ends at step {total:,}"

    def _share(self, step: int) -> float:
        progress, total = self.progress, self.total_steps
        if total <= progress.fitted_from:
            return 1.0
        rest = (step - progress.fitted_from) / (total - progress.fitted_from)
        return min(1.0, progress.fitted_share + (1 - progress.fitted_share) * rest)

    def go_on(self, before: Mapping[str, Any]) -> None:
        """Take up a stored training: keep to what was fitted, unless the user has set another end since.

        Args:
            before: Options that the stored training had.
        """
        progress = self.progress
        ends = "max_minutes", "max_epochs", "fit_steps"
        same = all(self.options[name] == before.get(name, self.options[name]) for name in ends)
        if same and self.options["max_steps"] in (progress.fitted_steps, progress.estimated_steps):
            return
        progress.fitted_steps = progress.fitted_from = progress.estimated_steps = progress.looks = 0
        progress.fitted_share = 0.0
        has_more_time = self.is_fitted and self.options["max_minutes"] > before.get("max_minutes", 0)
        if has_more_time and progress.step >= self.total_steps:  # as many steps as at the speed so far, for now
            longer = progress.step * self.limit / max(progress.seconds, 1e-9)
            progress.estimated_steps = self.options["max_steps"]
            progress.fitted_steps = max(progress.step, min(self.by_passes, int(longer)))
