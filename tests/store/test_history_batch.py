"""Values that a delivery may bring, and what is kept of them."""

import math

import numpy as np
import pytest

from charrnn.core.records import Metric
from charrnn.store.run_history import Batch
from tests.store.conftest import checkpoint, said, sample


def test_defect_11_no_character_makes_a_log_line_fail(history, training, append):
    append(said("emoji 😀🎭", "nul \0", "surrogate \ud83d", "back\\slash 'quote' %s ? :x", "", first=1))
    assert [line.text for line in history.lines(training.id)] == [
        "emoji 😀🎭",
        "nul ␀",
        "surrogate \ufffd",
        "back\\slash 'quote' %s ? :x",
        "",
    ]


@pytest.mark.parametrize("line", ["😀" * 70_000, "'\\" * 500_000], ids=["four bytes each", "each to be escaped"])
def test_a_line_may_have_a_million_characters(history, training, append, line):
    append(said(line, "short", first=1))
    assert [stored.text for stored in history.lines(training.id)] == [line, "short"]


def test_of_a_longer_line_the_beginning_is_kept(history, training, append):
    append(said("x" * 1_000_007, first=1))
    assert history.lines(training.id)[0].text == "x" * 1_000_000 + "… (7 more characters were cut)"


def test_steps_never_go_down_and_losses_never_up(models, training, append):
    append(Batch(first_position=1, step=7, best_loss=1.5))
    append(Batch(first_position=1, step=5, best_loss=1.75))
    assert (models.get(training.id).step, models.get(training.id).best_loss) == (7, 1.5)


def test_numbers_that_are_none_are_left_out(models, history, training, append):
    values = {"loss": math.nan, "val_loss": math.inf, "grad_norm": 2.0}
    append(
        Batch(
            first_position=1,
            metrics=[Metric(1, name, value) for name, value in values.items()],
            checkpoints=[checkpoint(training, 1, loss=math.nan)],
            best_loss=-math.inf,
        )
    )
    assert [(metric.name, metric.value) for metric in history.metrics(training.id)] == [("grad_norm", 2.0)]
    assert history.checkpoints(training.id)[0].loss is None
    assert models.get(training.id).best_loss is None


def test_numpys_numbers_are_stored_as_numbers(models, history, training, append):
    append(
        Batch(
            first_position=1,
            metrics=[Metric(np.int64(5), "loss", np.float32(1.5))],
            samples=[sample(training, np.int64(5))],
            checkpoints=[checkpoint(training, np.int64(5), loss=np.float64(1.25))],
            step=np.int64(5),
            best_loss=np.float32(1.25),
        )
    )
    assert [(metric.step, metric.value) for metric in history.metrics(training.id)] == [(5, 1.5)]
    assert history.samples(training.id)[0].step == 5
    assert [(kept.step, kept.loss) for kept in history.checkpoints(training.id)] == [(5, 1.25)]
    assert (models.get(training.id).step, models.get(training.id).best_loss) == (5, 1.25)


def test_a_fitted_end_takes_the_place_of_the_option_and_of_nothing_else(models, training, append):
    before = models.get(training.id).train_params
    append(Batch(first_position=1, max_steps=1830))
    assert models.get(training.id).train_params == {**before, "max_steps": 1830}
    append(Batch(first_position=1, step=7))
    assert models.get(training.id).train_params == {**before, "max_steps": 1830}
