"""Test the speed of a training and the time left."""

import numpy as np

from charrnn.core.training_speed import seconds_left, steps_per_second, window_start


def test_the_speed_is_averaged_over_the_last_half_minute():
    seconds = np.array([0.0, 20.0, 40.0, 60.0, 70.0])
    assert window_start(seconds) == 2
    assert steps_per_second([1, 2, 3, 13, 63], seconds) == 2


def test_the_speed_is_measured_even_if_steps_take_longer_than_the_window():
    assert steps_per_second([1, 2, 3], [0, 50, 150]) == 0.01


def test_the_speed_is_unknown_before_two_steps():
    assert steps_per_second([], []) is None
    assert steps_per_second([1], [7.0]) is None
    assert steps_per_second([1, 1], [7.0, 8.0]) is None


def test_a_training_ends_at_its_last_step_or_its_time_limit():
    assert seconds_left(to_last_step=5, to_time_limit=7) == 5
    assert seconds_left(to_last_step=None, to_time_limit=7) == 7
    assert seconds_left(to_last_step=-1, to_time_limit=None) == 0
    assert seconds_left(to_last_step=None, to_time_limit=None) is None
