"""Test the outcome of completed trainings and the advice."""

import pytest

from charrnn.core.options import checked
from charrnn.core.training_outcome import Remedy, outcome

FALLING, RISING = 100, 40
"""Best step of a training with validations at steps 20, 40, 60, 80 and 100."""


def outcome_of(best_step, total_steps=100, **options):
    return outcome(
        checked("training", options),
        step=100,
        total_steps=total_steps,
        steps_per_epoch=10,
        best_step=best_step,
        validations=range(20, 101, 20),
    )


def test_more_time_is_advised_when_the_loss_fell_to_the_end():
    end = outcome_of(FALLING)
    assert (end.remedy, end.best_step, end.can_continue) == (Remedy.TIME, 100, True)
    assert "more time would help" in end.advice


def test_a_longer_text_is_advised_when_the_loss_rose():
    end = outcome_of(RISING)
    assert (end.remedy, end.best_step, end.can_continue) == (Remedy.TEXT, 40, False)
    assert "step 40. A longer text would help, more time would not" in end.advice


def test_early_stopping_is_recognized():
    end = outcome_of(RISING, total_steps=200, patience=3)
    assert end.stopped_improving
    assert end.advice.startswith("Stopped improving; best model at step 40.")


@pytest.mark.parametrize("changes", [{"patience": 0}, {"patience": 4}, {"patience": 3, "total_steps": 100}])
def test_other_ends_do_not_count_as_early_stopping(changes):
    assert not outcome_of(RISING, **{"total_steps": 200} | changes).stopped_improving


def test_a_longer_text_is_advised_when_all_epochs_are_completed():
    assert outcome_of(FALLING, max_epochs=10).remedy == Remedy.TEXT
    assert outcome_of(FALLING, max_epochs=11).remedy == Remedy.TIME


def test_nothing_is_advised_without_validation():
    end = outcome_of(None)
    assert (end.remedy, end.best_step, end.advice, end.can_continue) == (Remedy.UNKNOWN, None, "", True)
