"""How a completed training ended, and what would help."""

import pytest

from charrnn.core.options import checked
from charrnn.core.outcome import Help, outcome

FALLING, RISING = 100, 40
"""Best of validations at steps 20, 40, 60, 80 and 100."""


def ended(best_step, total_steps=100, **options):
    return outcome(
        checked("training", options),
        step=100,
        total_steps=total_steps,
        steps_per_epoch=10,
        best_step=best_step,
        validations=range(20, 101, 20),
    )


def test_a_loss_that_fell_to_the_end_calls_for_more_time():
    end = ended(FALLING)
    assert (end.helps, end.best_step, end.can_continue) == (Help.TIME, 100, True)
    assert "more time would help" in end.advice


def test_a_loss_that_rose_calls_for_a_longer_text():
    end = ended(RISING)
    assert (end.helps, end.best_step, end.can_continue) == (Help.TEXT, 40, False)
    assert "step 40. A longer text would help, more time would not" in end.advice


def test_validations_without_a_lower_loss_ended_it():
    end = ended(RISING, total_steps=200, patience=3)
    assert end.stopped_improving
    assert end.advice.startswith("Stopped improving; best model at step 40.")


@pytest.mark.parametrize("changes", [{"patience": 0}, {"patience": 4}, {"patience": 3, "total_steps": 100}])
def test_something_else_ended_it(changes):
    assert not ended(RISING, **{"total_steps": 200} | changes).stopped_improving


def test_all_epochs_that_the_text_is_good_for_call_for_a_longer_one():
    assert ended(FALLING, max_epochs=10).helps == Help.TEXT
    assert ended(FALLING, max_epochs=11).helps == Help.TIME


def test_without_a_validation_nothing_is_known():
    end = ended(None)
    assert (end.helps, end.best_step, end.advice, end.can_continue) == (Help.NOT_KNOWN, None, "", True)
