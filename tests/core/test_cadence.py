"""Test the steps at which periodic actions are due."""

import pytest

from charrnn.core.cadence import is_due, num_due


def due_steps(every: int, cadence: str, end: int = 60) -> list[int]:
    return [step for step in range(1, end) if is_due(step, every, cadence)]


def test_even_cadence_is_due_at_multiples():
    assert due_steps(25, "even") == [25, 50]


def test_log_cadence_adds_early_steps():
    assert due_steps(25, "log") == [1, 2, 5, 10, 20, 25, 50]
    assert due_steps(1000, "log", 1200) == [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]


@pytest.mark.parametrize("cadence", ["even", "log"])
def test_interval_zero_is_never_due_and_interval_one_always(cadence):
    assert due_steps(0, cadence) == []
    assert due_steps(1, cadence) == list(range(1, 60))


@pytest.mark.parametrize("cadence", ["even", "log"])
@pytest.mark.parametrize("every", [0, 1, 2, 7, 10, 25, 300])
@pytest.mark.parametrize("steps", [1, 2, 9, 10, 11, 200, 301])
def test_num_due_includes_the_last_step(cadence, every, steps):
    expected = set(due_steps(every, cadence, steps + 1)) | ({steps} if every else set())
    assert num_due(steps, every, cadence) == len(expected)
