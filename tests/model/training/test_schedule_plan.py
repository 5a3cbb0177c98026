"""The end of a schedule, fitted to a clock that the tests turn."""

import pytest

from charrnn.core.options import checked
from charrnn.model.training.optimizer import scheduled_rate
from charrnn.model.training.schedule_plan import Plan
from charrnn.model.training.train_state import UNLIMITED, Progress


def planned(by_epochs=UNLIMITED, **changes):
    usual = {"max_minutes": 1, "max_steps": 900, "fit_steps": True, "lr_schedule": "cosine", "lr_hold": 0.1}
    return Plan(checked("training", usual | changes), Progress(), by_epochs)


def turn(plan, pace, until=None):
    """Do steps that take `pace(step)` seconds each, to the end or until a step; return the learning rates."""
    rates, progress = [], plan.progress
    while progress.step < plan.total_steps and not plan.out_of_time and progress.step != until:
        rates.append(scheduled_rate(plan.options, step=progress.step, done=plan.share_done, passes=0))
        progress.step += 1
        progress.seconds += pace(progress.step)
        plan.look()
    return rates


@pytest.mark.parametrize("one_step", [0.001, 0.02, 0.06, 0.3, 2.0])
@pytest.mark.parametrize("compiling", [0, 5.0])
def test_a_time_budget_is_kept_and_the_schedule_finished(one_step, compiling):
    plan = planned()
    rates = turn(plan, lambda step: one_step + (compiling if step == 1 else 0))
    assert plan.progress.seconds == pytest.approx(60, rel=0.05)
    assert plan.progress.step == plan.total_steps
    assert rates[-1] < 0.1 * plan.options["learning_rate"]


@pytest.mark.parametrize("factor", [0.4, 0.7, 1.5, 2.5])
@pytest.mark.parametrize("at", [5, 20, 40, 50])
def test_it_is_kept_on_a_machine_that_becomes_slower_or_faster(factor, at):
    plan, clock = planned(), [0.0]

    def pace(step):
        clock[0] += (took := 0.05 * (factor if clock[0] > at else 1))
        return took

    rates = turn(plan, pace)
    assert plan.progress.seconds == pytest.approx(60, rel=0.05)
    assert rates[-1] < 0.25 * plan.options["learning_rate"]
    steps = [after - before for before, after in zip(rates[200:], rates[201:], strict=False)]
    assert max(map(abs, steps)) < 0.05 * plan.options["learning_rate"]  # no jump where the end was moved


def test_on_a_steady_machine_it_is_as_if_the_end_had_been_known():
    plan = planned()
    rates = turn(plan, lambda step: 0.05)
    assert plan.progress.fitted_from == 0
    same = planned(fit_steps=False, max_minutes=0, max_steps=plan.total_steps)
    assert turn(same, lambda step: 7.0) == rates


def test_it_ends_with_the_epochs_when_these_are_sooner():
    plan = planned(by_epochs=300)
    turn(plan, lambda step: 0.05)
    assert plan.progress.step == 300


def test_without_fitting_steps_count_as_given_and_time_ends_the_schedule_too():
    plan = planned(fit_steps=False)
    rates = turn(plan, lambda step: 0.5)
    assert (plan.progress.step, plan.total_steps, plan.progress.fitted_steps) == (120, 900, 0)
    assert rates[-1] < 0.1 * plan.options["learning_rate"]


def test_a_resumed_training_keeps_to_what_was_fitted():
    whole, first = planned(), planned()
    rates = turn(whole, lambda step: 0.05)
    begun = turn(first, lambda step: 0.05, until=500)
    stored = {**first.options, "max_steps": first.total_steps}
    resumed = Plan(stored, Progress(**vars(first.progress)), UNLIMITED)
    resumed.go_on(stored)
    assert begun + turn(resumed, lambda step: 0.05) == rates


@pytest.mark.parametrize(
    "changes", [{"max_steps": 5000}, {"max_minutes": 0.9}, {"max_epochs": 3}, {"fit_steps": False, "max_minutes": 0}]
)
def test_another_end_takes_the_place_of_what_was_fitted(changes):
    plan = planned()
    turn(plan, lambda step: 0.05)
    before = {**plan.options, "max_steps": plan.total_steps}
    changed = Plan({**before, **changes}, plan.progress, UNLIMITED)
    changed.go_on(before)
    assert changed.progress.fitted_steps == 0
    assert changed.total_steps == {**before, **changes}["max_steps"]


def test_more_minutes_continue_a_completed_training():
    plan = planned()
    turn(plan, lambda step: 0.05)
    before = {**plan.options, "max_steps": plan.total_steps}
    longer = Plan({**before, "max_minutes": 3}, plan.progress, UNLIMITED)
    longer.go_on(before)
    rates = turn(longer, lambda step: 0.05)
    assert longer.progress.seconds == pytest.approx(180, rel=0.05)
    assert longer.progress.step == longer.total_steps
    assert rates[0] > 10 * rates[-1]


def test_a_plan_that_the_database_has_not_heard_of_is_kept_to():
    """A crash came after the checkpoint was written and before the options were stored."""
    plan = planned()
    turn(plan, lambda step: 0.05, until=200)
    fitted = plan.total_steps
    resumed = Plan(checked("training", plan.options | {"max_steps": 900}), plan.progress, UNLIMITED)
    resumed.go_on({**plan.options, "max_steps": fitted})
    assert resumed.total_steps == fitted != 900
