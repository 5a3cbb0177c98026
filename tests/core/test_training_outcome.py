"""Test the outcome of completed trainings and the advice."""

import pytest

from charrnn.core.options import checked
from charrnn.core.training_outcome import Remedy, outcome

FALLING = [(step, 3 - step / 100) for step in range(10, 101, 10)]
RISING = [(20, 2.0), (40, 1.5), (60, 1.6), (80, 1.7), (100, 1.8)]


def ended(losses, step=100, total_steps=100, steps_per_epoch=10, **options):
    values = checked("training", options)
    return outcome(values, step=step, total_steps=total_steps, steps_per_epoch=steps_per_epoch, losses=losses)


def test_more_time_is_advised_when_the_loss_fell_to_the_end():
    end = ended(FALLING)
    assert (end.remedy, end.best_step, end.can_continue) == (Remedy.TIME, 100, True)
    assert "more time would help" in end.advice


def test_a_longer_text_is_advised_when_the_loss_rose():
    end = ended(RISING)
    assert (end.remedy, end.best_step, end.can_continue) == (Remedy.TEXT, 40, False)
    assert "step 40. A longer text would help, more time would not" in end.advice


def test_early_stopping_is_recognized():
    end = ended(RISING, total_steps=200, patience=3)
    assert end.stopped_improving
    assert end.advice.startswith("Stopped improving; best model at step 40.")


@pytest.mark.parametrize("changes", [{"patience": 0}, {"patience": 4}, {"patience": 3, "total_steps": 100}])
def test_other_ends_are_not_early_stopping(changes):
    assert not ended(RISING, **{"total_steps": 200} | changes).stopped_improving


def test_a_longer_text_is_advised_when_all_epochs_are_completed():
    assert ended(FALLING, max_epochs=10).remedy == Remedy.TEXT
    assert ended(FALLING, max_epochs=11).remedy == Remedy.TIME


def test_nothing_is_advised_without_validation():
    end = ended([])
    assert (end.remedy, end.best_step, end.advice, end.can_continue) == (Remedy.UNKNOWN, None, "", True)
