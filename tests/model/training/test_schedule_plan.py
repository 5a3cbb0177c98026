"""Test fitting the end of a schedule to a time budget, with simulated time."""

import pytest

from charrnn.core.options import checked
from charrnn.model.training.optimizer import scheduled_rate
from charrnn.model.training.schedule_plan import SchedulePlan
from charrnn.model.training.train_state import UNLIMITED, Progress


def planned(epoch_limit=UNLIMITED, **changes):
    usual = {"max_minutes": 1, "max_steps": 900, "fit_steps": True, "lr_schedule": "cosine", "lr_hold": 0.1}
    return SchedulePlan(checked("training", usual | changes), Progress(), epoch_limit)


def simulate(plan, pace, until=None):
    """Simulate steps of `pace(step)` seconds each, to the end or until a step; return the learning rates."""
    rates, progress = [], plan.progress
    while progress.step < plan.total_steps and not plan.out_of_time and progress.step != until:
        rates.append(scheduled_rate(plan.options, step=progress.step, done=plan.share_done, passes=0))
        progress.step += 1
        progress.seconds += pace(progress.step)
        plan.refit()
    return rates


@pytest.mark.parametrize("one_step", [0.001, 0.02, 0.06, 0.3, 2.0])
@pytest.mark.parametrize("compiling", [0, 5.0])
def test_the_schedule_is_completed_within_the_time_budget(one_step, compiling):
    plan = planned()
    rates = simulate(plan, lambda step: one_step + (compiling if step == 1 else 0))
    assert plan.progress.seconds == pytest.approx(60, rel=0.05)
    assert plan.progress.step == plan.total_steps
    assert rates[-1] < 0.1 * plan.options["learning_rate"]


@pytest.mark.parametrize("factor", [0.4, 0.7, 1.5, 2.5])
@pytest.mark.parametrize("at", [5, 20, 40, 50])
def test_the_time_budget_is_kept_when_the_machine_becomes_slower_or_faster(factor, at):
    plan, clock = planned(), [0.0]

    def pace(step):
        clock[0] += (took := 0.05 * (factor if clock[0] > at else 1))
        return took

    rates = simulate(plan, pace)
    assert plan.progress.seconds == pytest.approx(60, rel=0.05)
    assert rates[-1] < 0.25 * plan.options["learning_rate"]
    steps = [after - before for before, after in zip(rates[200:], rates[201:], strict=False)]
    assert max(map(abs, steps)) < 0.05 * plan.options["learning_rate"]  # no jump when the end is moved


def test_at_constant_speed_the_schedule_equals_one_with_a_known_end():
    plan = planned()
    rates = simulate(plan, lambda step: 0.05)
    assert plan.progress.fitted_from == 0
    same = planned(fit_steps=False, max_minutes=0, max_steps=plan.total_steps)
    assert simulate(same, lambda step: 7.0) == rates


def test_max_epochs_ends_the_training_when_it_comes_first():
    plan = planned(epoch_limit=300)
    simulate(plan, lambda step: 0.05)
    assert plan.progress.step == 300


def test_without_fitting_the_steps_stay_and_the_time_limit_ends_the_schedule():
    plan = planned(fit_steps=False)
    rates = simulate(plan, lambda step: 0.5)
    assert (plan.progress.step, plan.total_steps, plan.progress.fitted_steps) == (120, 900, 0)
    assert rates[-1] < 0.1 * plan.options["learning_rate"]


def test_a_resumed_training_keeps_the_fitted_end():
    whole, first = planned(), planned()
    rates = simulate(whole, lambda step: 0.05)
    begun = simulate(first, lambda step: 0.05, until=500)
    stored = {**first.options, "max_steps": first.total_steps}
    resumed = SchedulePlan(stored, Progress(**vars(first.progress)), UNLIMITED)
    resumed.resume(stored)
    assert begun + simulate(resumed, lambda step: 0.05) == rates


@pytest.mark.parametrize(
    "changes", [{"max_steps": 5000}, {"max_minutes": 2}, {"max_epochs": 3}, {"fit_steps": False, "max_minutes": 0}]
)
def test_changed_limits_replace_the_fitted_end(changes):
    plan = planned()
    simulate(plan, lambda step: 0.05)
    before = {**plan.options, "max_steps": plan.total_steps}
    changed = SchedulePlan({**before, **changes}, plan.progress, UNLIMITED)
    changed.resume(before)
    assert changed.progress.fitted_steps == 0
    assert changed.total_steps == {**before, **changes}["max_steps"]


def test_a_fitted_end_that_was_not_stored_in_the_database_is_kept():
    """The program crashed after saving the checkpoint and before storing the options."""
    plan = planned()
    simulate(plan, lambda step: 0.05, until=200)
    fitted = plan.total_steps
    resumed = SchedulePlan(checked("training", plan.options | {"max_steps": 900}), plan.progress, UNLIMITED)
    resumed.resume({**plan.options, "max_steps": fitted})
    assert resumed.total_steps == fitted != 900
