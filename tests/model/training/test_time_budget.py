"""Test how the end of a schedule is fitted to a simulated clock."""

import pytest

from charrnn.core.options import checked
from charrnn.model.training.optimizer import scheduled_rate
from charrnn.model.training.time_budget import TimeBudget
from charrnn.model.training.train_state import UNLIMITED, TrainingProgress


def planned(epoch_limit=UNLIMITED, **changes):
    base = {"max_minutes": 1, "max_steps": 900, "fit_steps": True, "lr_schedule": "cosine", "lr_hold": 0.1}
    return TimeBudget(checked("training", base | changes), TrainingProgress(), epoch_limit)


def run(plan, pace, until=None):
    """Simulate steps of `pace(step)` seconds each, to the end or until a step; return the learning rates."""
    rates, progress = [], plan.progress
    while progress.step < plan.total_steps and not plan.out_of_time and progress.step != until:
        rates.append(scheduled_rate(plan.options, step=progress.step, done=plan.completed, epochs=0))
        progress.step += 1
        progress.seconds += pace(progress.step)
        plan.adjust()
    return rates


@pytest.mark.parametrize("step_seconds", [0.001, 0.02, 0.06, 0.3, 2.0])
@pytest.mark.parametrize("compiling", [0, 5.0])
def test_time_budget_is_kept_and_the_schedule_completed(step_seconds, compiling):
    plan = planned()
    rates = run(plan, lambda step: step_seconds + (compiling if step == 1 else 0))
    assert plan.progress.seconds == pytest.approx(60, rel=0.05)
    assert plan.progress.step == plan.total_steps
    assert rates[-1] < 0.1 * plan.options["learning_rate"]


@pytest.mark.parametrize("factor", [0.4, 0.7, 1.5, 2.5])
@pytest.mark.parametrize("at", [5, 20, 40, 50])
def test_time_budget_is_kept_when_the_machine_becomes_slower_or_faster(factor, at):
    plan, clock = planned(), [0.0]

    def pace(step):
        clock[0] += (took := 0.05 * (factor if clock[0] > at else 1))
        return took

    rates = run(plan, pace)
    assert plan.progress.seconds == pytest.approx(60, rel=0.05)
    assert rates[-1] < 0.25 * plan.options["learning_rate"]
    steps = [after - before for before, after in zip(rates[200:], rates[201:], strict=False)]
    assert max(map(abs, steps)) < 0.05 * plan.options["learning_rate"]  # no jump when the end is moved


def test_schedule_at_constant_speed_equals_one_with_a_known_end():
    plan = planned()
    rates = run(plan, lambda step: 0.05)
    assert plan.progress.fitted_from == 0
    same = planned(fit_steps=False, max_minutes=0, max_steps=plan.total_steps)
    assert run(same, lambda step: 7.0) == rates


def test_epoch_limit_ends_the_schedule_earlier():
    plan = planned(epoch_limit=300)
    run(plan, lambda step: 0.05)
    assert plan.progress.step == 300


def test_schedule_without_fitting_ends_by_steps_or_time():
    plan = planned(fit_steps=False)
    rates = run(plan, lambda step: 0.5)
    assert (plan.progress.step, plan.total_steps, plan.progress.fitted_steps) == (120, 900, 0)
    assert rates[-1] < 0.1 * plan.options["learning_rate"]


def test_resumed_training_keeps_the_fitted_end():
    whole, first = planned(), planned()
    rates = run(whole, lambda step: 0.05)
    first_rates = run(first, lambda step: 0.05, until=500)
    stored = {**first.options, "max_steps": first.total_steps}
    resumed = TimeBudget(stored, TrainingProgress(**vars(first.progress)), UNLIMITED)
    resumed.resume(stored)
    assert first_rates + run(resumed, lambda step: 0.05) == rates


@pytest.mark.parametrize(
    "changes", [{"max_steps": 5000}, {"max_minutes": 0.9}, {"max_epochs": 3}, {"fit_steps": False, "max_minutes": 0}]
)
def test_changed_end_replaces_the_fitted_one(changes):
    plan = planned()
    run(plan, lambda step: 0.05)
    before = {**plan.options, "max_steps": plan.total_steps}
    changed = TimeBudget({**before, **changes}, plan.progress, UNLIMITED)
    changed.resume(before)
    assert changed.progress.fitted_steps == 0
    assert changed.total_steps == {**before, **changes}["max_steps"]


def test_more_minutes_continue_a_completed_training():
    plan = planned()
    run(plan, lambda step: 0.05)
    before = {**plan.options, "max_steps": plan.total_steps}
    longer = TimeBudget({**before, "max_minutes": 3}, plan.progress, UNLIMITED)
    longer.resume(before)
    rates = run(longer, lambda step: 0.05)
    assert longer.progress.seconds == pytest.approx(180, rel=0.05)
    assert longer.progress.step == longer.total_steps
    assert rates[0] > 10 * rates[-1]


def test_fitted_end_in_a_checkpoint_is_kept_when_the_database_has_another_one():
    """A crash happened after the checkpoint was saved and before the options were stored."""
    plan = planned()
    run(plan, lambda step: 0.05, until=200)
    fitted = plan.total_steps
    resumed = TimeBudget(checked("training", plan.options | {"max_steps": 900}), plan.progress, UNLIMITED)
    resumed.resume({**plan.options, "max_steps": fitted})
    assert resumed.total_steps == fitted != 900
