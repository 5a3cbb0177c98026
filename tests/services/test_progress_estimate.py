"""Estimates of steps, speed and time left."""

from datetime import UTC, datetime

import numpy as np

from charrnn.core.records import Corpus, Curve, Model, ModelState
from charrnn.services.progress_estimate import ProgressEstimate, total_steps

BEGAN = datetime(2025, 6, 7, 8, 9, 10)
START = BEGAN.replace(tzinfo=UTC).timestamp()


def model(step: int, **options) -> Model:
    values = {"num_seqs": 3, "num_steps": 5, "max_steps": 40, "max_epochs": 0, "max_minutes": 0, "val_fraction": 0.1}
    return Model("m", "ducks", ModelState.TRAINING, BEGAN, BEGAN, values | options, step=step, started_at=BEGAN)


def corpus(num_characters: int) -> Corpus:
    return Corpus("7" * 64, "ducks", 9, num_characters, 4, 2, "utf-8", "lf", BEGAN)


def losses(steps: int, seconds_each: float) -> Curve:
    done = np.arange(1.0, steps + 1)
    return Curve(done, np.full(steps, 2.0), START + seconds_each * done)


def test_speed_and_time_left_follow_from_the_losses() -> None:
    progress = ProgressEstimate.of(model(8), corpus(620), losses(8, 0.5), now=START + 4)
    assert progress.characters_per_second == 30  # 2 steps a second of 15 characters
    assert progress.seconds_left == 16  # 32 steps
    assert progress.fraction == 0.2


def test_speed_is_unknown_before_two_steps() -> None:
    progress = ProgressEstimate.of(model(1), corpus(620), losses(1, 0.5), now=START)
    assert (progress.characters_per_second, progress.seconds_left) == (None, None)


def test_a_time_limit_may_end_the_training_first() -> None:
    progress = ProgressEstimate.of(model(8, max_minutes=0.2), corpus(620), losses(8, 0.5), now=START + 4)
    assert progress.seconds_left == 8


def test_only_the_last_half_minute_counts() -> None:
    curve = Curve(np.array([1.0, 2, 3]), np.full(3, 2.0), START + np.array([0.0, 1000, 1002]))
    assert ProgressEstimate.of(model(3), corpus(620), curve, now=START + 1002).characters_per_second == 7.5


def test_the_number_of_epochs_may_end_the_training_first() -> None:
    # 558 characters to train on, 186 per sequence, 37 steps per epoch
    assert total_steps(model(0, max_epochs=0.5).train_params, corpus(620)) == 18


def test_a_text_that_is_too_short_has_no_total_number_of_steps() -> None:
    assert total_steps(model(0).train_params, corpus(6)) == 0
