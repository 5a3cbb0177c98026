"""Tests of the values of history batches."""

import math

import numpy as np
import pytest

from charrnn.core.records import Metric
from charrnn.store.run_history import HistoryBatch
from tests.store.conftest import checkpoint, log_batch, sample


def test_defect_11_log_lines_accept_any_character(history, training, append):
    append(log_batch("emoji 😀🎭", "nul \0", "surrogate \ud83d", "back\\slash 'quote' %s ? :x", "", first=1))
    assert [line.text for line in history.lines(training.id)] == [
        "emoji 😀🎭",
        "nul ␀",
        "surrogate \ufffd",
        "back\\slash 'quote' %s ? :x",
        "",
    ]


@pytest.mark.parametrize("line", ["😀" * 70_000, "'\\" * 500_000], ids=["four bytes each", "each to be escaped"])
def test_log_line_can_have_a_million_characters(history, training, append, line):
    append(log_batch(line, "short", first=1))
    assert [stored.text for stored in history.lines(training.id)] == [line, "short"]


def test_longer_log_line_is_cut(history, training, append):
    append(log_batch("x" * 1_000_007, first=1))
    assert history.lines(training.id)[0].text == "x" * 1_000_000 + "… (7 more characters were cut)"


def test_step_never_decreases_and_best_loss_never_increases(models, training, append):
    append(HistoryBatch(first_position=1, step=7, best_loss=1.5))
    append(HistoryBatch(first_position=1, step=5, best_loss=1.75))
    assert (models.get(training.id).step, models.get(training.id).best_loss) == (7, 1.5)


def test_non_finite_values_are_omitted(models, history, training, append):
    values = {"loss": math.nan, "val_loss": math.inf, "grad_norm": 2.0}
    append(
        HistoryBatch(
            first_position=1,
            metrics=[Metric(1, name, value) for name, value in values.items()],
            checkpoints=[checkpoint(training, 1, loss=math.nan)],
            best_loss=-math.inf,
        )
    )
    assert [(metric.name, metric.value) for metric in history.metrics(training.id)] == [("grad_norm", 2.0)]
    assert history.checkpoints(training.id)[0].loss is None
    assert models.get(training.id).best_loss is None


def test_numpy_scalars_are_stored_as_numbers(models, history, training, append):
    append(
        HistoryBatch(
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


def test_fitted_max_steps_replaces_only_that_option(models, training, append):
    before = models.get(training.id).train_params
    append(HistoryBatch(first_position=1, max_steps=1830))
    assert models.get(training.id).train_params == {**before, "max_steps": 1830}
    append(HistoryBatch(first_position=1, step=7))
    assert models.get(training.id).train_params == {**before, "max_steps": 1830}
