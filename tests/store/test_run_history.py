"""Tests of training histories: order, exactly-once storage and leases."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from charrnn.core.errors import LeaseLost, NotFound, OptionError
from charrnn.core.records import Metric, ModelState
from charrnn.store.run_history import HistoryBatch
from tests.store.conftest import WHEN, checkpoint, log_batch, sample


def test_batch_is_read_back_unchanged(models, history, training, append):
    metrics = [Metric(3, "loss", 0.1 + 0.2, WHEN), Metric(3, "val_loss", 5e-324, WHEN), Metric(0, "loss", -1e308, WHEN)]
    lines = [("first", "info"), ("second 😀", "warning")]
    samples, checkpoints = [sample(training, 3)], [checkpoint(training, 3)]
    append(
        HistoryBatch(
            first_position=1,
            lines=lines,
            metrics=metrics,
            samples=samples,
            checkpoints=checkpoints,
            step=3,
            best_loss=1.25,
        )
    )
    assert [(line.position, line.text, line.level) for line in history.lines(training.id)] == [
        (1, "first", "info"),
        (2, "second 😀", "warning"),
    ]
    assert history.metrics(training.id) == [metrics[2], metrics[0], metrics[1]]
    assert history.samples(training.id) == samples
    assert history.checkpoints(training.id) == checkpoints
    model = models.get(training.id)
    assert (model.step, model.best_loss, model.log_position) == (3, 1.25, 2)


def test_missing_times_are_set_to_the_time_of_the_database(database, history, training, append):
    append(HistoryBatch(first_position=1, lines=[("a", "info")], metrics=[Metric(1, "loss", 1.0)]))
    now = database.now()
    for time in (history.lines(training.id)[0].time, history.metrics(training.id)[0].time):
        assert abs(now - time) < timedelta(minutes=1)


def test_batch_sent_twice_is_stored_once(models, history, training, append):
    batch = HistoryBatch(
        first_position=1,
        lines=[("a", "info")],
        metrics=[Metric(2, "loss", 3.0)],
        samples=[sample(training, 2)],
        checkpoints=[checkpoint(training, 2)],
        step=2,
    )
    append(batch)
    once = models.get(training.id), history.samples(training.id), history.checkpoints(training.id)
    append(batch)
    after = models.get(training.id)
    assert after.lease_until >= once[0].lease_until
    assert (after.step, after.log_position) == (2, 1)
    assert (history.samples(training.id), history.checkpoints(training.id)) == once[1:]
    assert len(history.lines(training.id)) == len(history.metrics(training.id)) == 1


def test_batch_sent_again_with_more_lines_adds_the_new_ones(history, training, append):
    append(log_batch("a", "b", first=1))
    append(log_batch("a", "b", "c", first=1))
    assert [line.text for line in history.lines(training.id)] == ["a", "b", "c"]


def test_dropped_checkpoint_does_not_return_with_a_repeated_batch(history, training, append):
    batch = HistoryBatch(first_position=1, lines=[("a", "info")], checkpoints=[checkpoint(training, 2)])
    append(batch)
    history.drop_checkpoint("last-2")
    history.drop_checkpoint("last-2")
    append(batch)
    assert history.checkpoints(training.id) == []


def test_shuffled_and_repeated_batches_are_stored_in_order_and_once(history, training, append):
    order = random.Random(7)
    batches, first = [], 1
    for size in (3, 1, 5, 2, 4):
        batches.append(log_batch(*(f"line {position}" for position in range(first, first + size)), first=first))
        first += size
    pending = batches * 2
    rejected = 0
    while pending:
        order.shuffle(pending)
        batch = pending.pop()
        try:
            append(batch)
        except LeaseLost:
            rejected += 1
            pending.append(batch)
    assert rejected > 0
    lines = history.lines(training.id)
    assert [(line.position, line.text) for line in lines] == [(n, f"line {n}") for n in range(1, 16)]


def test_gap_between_batches_is_rejected(models, history, training, append):
    append(log_batch("a", first=1))
    with pytest.raises(LeaseLost, match="'hamlet' ends at line 1, but the next batch starts at line 3"):
        append(log_batch("c", first=3))
    assert [line.text for line in history.lines(training.id)] == ["a"]


def test_worker_without_a_lease_changes_nothing(models, leases, history, training, append):
    leases.interrupt(training.id, 1)
    everything = HistoryBatch(
        first_position=1,
        lines=[("a", "info")],
        metrics=[Metric(9, "loss", 1.0)],
        samples=[sample(training, 9)],
        checkpoints=[checkpoint(training, 9)],
        step=9,
    )
    before = models.get(training.id)
    with pytest.raises(LeaseLost, match="lost training 1 of the model 'hamlet': the model is interrupted"):
        append(everything)
    leases.queue(training.id)
    leases.claim(training.id, "another", seconds=60)
    with pytest.raises(LeaseLost, match="the model is training in training 2 now"):
        append(everything)
    with pytest.raises(LeaseLost):
        history.rewind(training.id, 1, 0)
    assert history.lines(training.id) == [] and history.metrics(training.id) == []
    assert history.samples(training.id) == [] and history.checkpoints(training.id) == []
    assert models.get(training.id).step == before.step
    append(log_batch("a", first=1), epoch=2)


def test_append_returns_whether_a_stop_is_requested(leases, training, append):
    assert append(HistoryBatch(first_position=1)) is False
    leases.request_stop(training.id)
    assert append(log_batch("a", first=1)) is True
    assert append(log_batch("a", first=1)) is True


def test_metric_measured_again_replaces_the_stored_value(history, training, append):
    append(HistoryBatch(first_position=1, metrics=[Metric(1, "loss", 3.0), Metric(1, "loss", 2.0)]))
    append(HistoryBatch(first_position=1, metrics=[Metric(1, "loss", 1.0)]))
    assert [metric.value for metric in history.metrics(training.id)] == [1.0]


def test_rewind_removes_everything_after_a_step_except_user_samples(models, history, training, append):
    steps = (2, 4, 6)
    append(
        HistoryBatch(
            first_position=1,
            lines=[("a", "info")],
            metrics=[Metric(step, "val_loss", 9.0 - step) for step in steps],
            samples=[sample(training, step, f"s{step}") for step in steps],
            checkpoints=[checkpoint(training, step) for step in steps],
            step=6,
            best_loss=3.0,
        )
    )
    by_user = history.add_sample(training.id, step=6, text="mine", options={})
    assert [removed.step for removed in history.rewind(training.id, 1, 4)] == [6]
    assert [metric.step for metric in history.metrics(training.id)] == [2, 4]
    assert {kept.id for kept in history.samples(training.id)} == {"s2", "s4", by_user.id}
    assert [kept.step for kept in history.checkpoints(training.id)] == [2, 4]
    model = models.get(training.id)
    assert (model.step, model.best_loss, model.log_position) == (4, 5.0, 1)
    history.rewind(training.id, 1, 0)
    assert models.get(training.id).best_loss is None


def test_lines_can_be_read_from_a_position_and_from_the_end(history, training, append):
    append(log_batch(*"abcdefg", first=1))

    def texts(lines):
        return "".join(line.text for line in lines)

    assert texts(history.lines(training.id, after=2, limit=3)) == "cde"
    assert texts(history.lines(training.id, after=7)) == ""
    assert texts(history.last_lines(training.id, 2)) == "fg"
    assert texts(history.last_lines(training.id, 0)) == ""


def test_defect_18_negative_line_counts_are_rejected(history, training):
    with pytest.raises(OptionError, match="limit is -1, but it must be 0 or more"):
        history.lines(training.id, limit=-1)
    with pytest.raises(OptionError, match="count is -3"):
        history.last_lines(training.id, -3)


def test_metrics_can_be_filtered_by_name_and_step(history, training, append):
    append(
        HistoryBatch(first_position=1, metrics=[Metric(s, n, s) for s in range(4) for n in ("loss", "val_loss", "x")])
    )
    metrics = history.metrics(training.id, names={"loss", "x"}, after_step=2)
    assert [(metric.step, metric.name) for metric in metrics] == [(3, "loss"), (3, "x")]
    assert history.metrics(training.id, names=()) == []


def test_curve_has_one_metric_and_can_be_continued(history, training, append):
    moments = [datetime(2025, 6, 7, 8, 9, second, 500_000) for second in (1, 2, 5)]
    metrics = [Metric(step, "loss", 1 / step, moment) for step, moment in zip((1, 2, 4), moments, strict=True)]
    append(HistoryBatch(first_position=1, metrics=[*metrics, Metric(3, "val_loss", 7.0)]))
    curve = history.curve(training.id, "loss", after_step=1)
    assert (list(curve.steps), list(curve.values)) == ([2, 4], [0.5, 0.25])
    assert [datetime.fromtimestamp(second, UTC).replace(tzinfo=None) for second in curve.seconds] == moments[1:]
    assert len(history.curve(training.id, "nothing")) == 0


def test_newest_checkpoint_of_a_kind_is_found(history, training, append):
    kept = [checkpoint(training, 2, "best"), checkpoint(training, 3), checkpoint(training, 4, "best")]
    append(HistoryBatch(first_position=1, checkpoints=kept))
    assert history.checkpoint(training.id, "best").id == "best-4"
    assert history.checkpoint(training.id, "last").id == "last-3"
    assert history.checkpoint(training.id, "other") is None


def test_user_sample_is_read_back_unchanged(history, training):
    stored = history.add_sample(training.id, step=5, text="a\ud800", options={"seed": 3})
    assert (stored.text, stored.step, stored.options) == ("a\ufffd", 5, {"seed": 3})
    assert history.samples(training.id) == [stored]


def test_known_samples_are_not_read_again(history, training):
    first, second = (history.add_sample(training.id, step=1, text=text, options={}) for text in "ab")
    assert history.samples(training.id, known={first.id}) == [second]
    assert history.samples(training.id, known={first.id, second.id, "forgotten meanwhile"}) == []


def test_sample_requires_a_model(history):
    with pytest.raises(NotFound, match="There is no model with the id 'nobody'"):
        history.add_sample("nobody", step=0, text="", options={})


def test_batch_for_a_purged_model_is_rejected(history, models, leases, training, append):
    leases.finish(training.id, 1, ModelState.STOPPED)
    models.purge(training.id)
    with pytest.raises(NotFound, match="no model with the id"):
        append(log_batch("a", first=1))


def test_thirty_two_concurrent_trainings_lose_nothing(models, leases, history, corpus):
    def train(number):
        model = models.create(str(number), corpus_id=corpus.id)
        leases.queue(model.id)
        epoch = leases.claim(model.id, "me", seconds=60).epoch
        for first in range(1, 19, 6):
            batch = HistoryBatch(
                first_position=first,
                lines=[(f"{number}:{first + i}", "info") for i in range(6)],
                metrics=[Metric(first, "loss", float(number))],
                step=first,
            )
            history.append(model.id, epoch, batch, seconds=60)
        return model.id

    with ThreadPoolExecutor(32) as threads:
        ids = list(threads.map(train, range(32)))
    for number, model_id in enumerate(ids):
        assert [line.text for line in history.lines(model_id)] == [f"{number}:{i}" for i in range(1, 19)]
        assert len(history.metrics(model_id)) == 3
