"""Tests of the events of a training and their steps."""

import math
import re

import pytest

from charrnn.core.records import ModelState
from charrnn.core.training_events import CheckpointSaved, LogMessage, MetricsMeasured, SampleGenerated
from tests.support.tiny_networks import VOCABULARY, learn, tiny

STEP_LINE = re.compile(r"^step: (\d+)/(\d+)\.\.\.  loss: (\d+\.\d{4}|nan)\.\.\.  (\d+\.\d{4}) sec/batch$")
"""The format of the article's log, which other tools parse."""


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    """Return all events of eleven steps with different intervals."""
    options = tiny(
        **{"cell": "rnn", "num_layers": 1, "max_steps": 11, "log_every_n": 2},
        **{"eval_every_n": 3, "save_every_n": 4, "sample_every_n": 5, "learning_rate": 0.1},
    )
    state, events = learn(tmp_path_factory.mktemp("events"), options)
    assert state == ModelState.COMPLETED
    return events


def steps_with(events, name):
    return [e.step for e in events if isinstance(e, MetricsMeasured) and name in e.values]


def test_every_step_has_a_loss(events):
    assert steps_with(events, "loss") == list(range(1, 12))


def test_log_lines_and_other_metrics_come_every_log_every_n_steps_and_at_the_end(events):
    found = [STEP_LINE.match(e.text) for e in events if isinstance(e, LogMessage)]
    assert [int(match[1]) for match in found if match] == [2, 4, 6, 8, 10, 11]
    assert {match[2] for match in found if match} == {"11"}
    for name in ("learning_rate", "grad_norm", "chars_per_second"):
        assert steps_with(events, name) == [2, 4, 6, 8, 10, 11]


def test_step_line_shows_loss_and_seconds_per_batch(events):
    measured = {e.step: e.values for e in events if isinstance(e, MetricsMeasured) and "loss" in e.values}
    for match in filter(None, (STEP_LINE.match(e.text) for e in events if isinstance(e, LogMessage))):
        values = measured[int(match[1])]
        assert match[3] == f"{values['loss']:.4f}"
        assert float(match[4]) == pytest.approx(3 * 4 / values["chars_per_second"], abs=5.1e-5)


def test_validation_comes_every_eval_every_n_steps_and_at_the_end(events):
    assert steps_with(events, "val_loss") == [3, 6, 9, 11]


def test_validation_line_has_nats_and_bits(events):
    loss = next(e.values["val_loss"] for e in events if isinstance(e, MetricsMeasured) and "val_loss" in e.values)
    expected = f"validation at step 3: {loss:.4f} nats, {loss / math.log(2):.4f} bits/character, the best so far"
    assert LogMessage(expected) in events


def test_last_checkpoint_is_saved_every_save_every_n_steps_and_at_the_end(events):
    saved = [e for e in events if isinstance(e, CheckpointSaved) and e.kind == "last"]
    assert [e.step for e in saved] == [4, 8, 11]
    assert [e.folder for e in saved] == ["last-4-1", "last-8-1", "last-11-1"]
    assert all(e.size_bytes > 0 for e in saved)


def test_best_checkpoint_is_saved_at_each_new_lowest_validation_loss(events):
    expected, lowest = [], math.inf
    for e in events:
        if isinstance(e, MetricsMeasured) and e.values.get("val_loss", math.inf) < lowest:
            lowest = e.values["val_loss"]
            expected.append((e.step, lowest, f"best-{e.step}-1"))
    assert expected == [
        (e.step, e.loss, e.folder) for e in events if isinstance(e, CheckpointSaved) and e.kind == "best"
    ]


def test_samples_are_generated_every_sample_every_n_steps_and_at_the_end(events):
    samples = [e for e in events if isinstance(e, SampleGenerated)]
    assert [e.step for e in samples] == [5, 10, 11]
    assert all(len(e.text) == 200 and set(e.text) <= set(VOCABULARY.characters) for e in samples)
    assert {e.options["seed"] for e in samples} == {1} and len({e.text for e in samples}) == 3


def test_events_come_in_the_order_of_their_steps(events):
    numbers = [e.step for e in events if not isinstance(e, LogMessage)]
    assert numbers == sorted(numbers)


def test_events_of_a_step_start_with_the_log_line_and_end_with_the_checkpoint(events):
    last = events[-events[::-1].index(next(e for e in events[::-1] if getattr(e, "step", 11) == 10)) :]
    kinds = [type(e).__name__ for e in last if not (isinstance(e, CheckpointSaved) and e.kind == "best")]
    assert kinds == [
        "LogMessage",
        "MetricsMeasured",
        "SampleGenerated",
        "MetricsMeasured",
        "LogMessage",
        "CheckpointSaved",
    ]


def test_samples_do_not_affect_training(events, tmp_path):
    options = tiny(cell="rnn", num_layers=1, max_steps=11, val_fraction=0.2, log_every_n=2, learning_rate=0.1)
    _, quiet = learn(tmp_path, options)
    assert [e.values["loss"] for e in quiet if isinstance(e, MetricsMeasured) and "loss" in e.values] == [
        e.values["loss"] for e in events if isinstance(e, MetricsMeasured) and "loss" in e.values
    ]
