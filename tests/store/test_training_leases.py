"""Tests of queuing, claiming, stopping and ending trainings."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update

from charrnn.core.errors import LeaseLost, NotFound, StateError
from charrnn.core.records import STARTABLE, ModelState
from charrnn.store.row_conversion import LEASED
from charrnn.store.run_history import HistoryBatch
from charrnn.store.tables import ModelRow
from charrnn.store.training_leases import LeaseStore
from tests.store.conftest import log_batch

THREADS = 16


def set_columns(database, model_id, **values):
    """Set columns of a model without any checks."""
    database.write(lambda session: session.execute(update(ModelRow).where(ModelRow.id == model_id).values(**values)))


def attempt(call):
    try:
        return call()
    except StateError as error:
        return error


@pytest.mark.parametrize("state", sorted(STARTABLE))
def test_model_can_be_queued_when_no_training_is_in_progress(database, leases, ready, state):
    set_columns(database, ready.id, state=state, error="old", stop_requested=True, finished_at=ready.created_at)
    queued = leases.queue(ready.id)
    assert (queued.state, queued.error, queued.stop_requested, queued.finished_at) == ("queued", None, False, None)
    assert queued.updated_at > ready.updated_at


CHANGES = {
    "queue": (STARTABLE, lambda leases, history, id: leases.queue(id)),
    "unqueue": ({"queued"}, lambda leases, history, id: leases.unqueue(id, ModelState.READY)),
    "claim": ({"queued"}, lambda leases, history, id: leases.claim(id, "me", seconds=60)),
    "request_stop": ({"queued", *LEASED}, lambda leases, history, id: leases.request_stop(id)),
    "finish": (
        {*LEASED, "failed"},
        lambda leases, history, id: leases.finish(id, 1, ModelState.FAILED),
    ),  # again
    "interrupt": (LEASED, lambda leases, history, id: leases.interrupt(id, 1)),
    "append": (LEASED, lambda leases, history, id: history.append(id, 1, HistoryBatch(first_position=1), seconds=60)),
    "rewind": (LEASED, lambda leases, history, id: history.rewind(id, 1, 0)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_transitions_are_possible_only_in_the_allowed_states(database, models, leases, history, ready, change):
    allowed, make = CHANGES[change]
    for state in ModelState:
        set_columns(database, ready.id, state=state, epoch=1, lease_until=None, stop_requested=False)
        before = models.get(ready.id)
        if state in allowed:
            make(leases, history, ready.id)
            continue
        with pytest.raises((StateError, LeaseLost), match="'hamlet'"):
            make(leases, history, ready.id)
        assert models.get(ready.id) == before


def test_queue_error_gives_the_reason(models, leases, training):
    with pytest.raises(StateError, match=r"training already \(it is training by host:1:token\). Wait, or stop it"):
        leases.queue(training.id)
    draft = models.create("draft")
    with pytest.raises(StateError, match="The model 'draft' has no text yet. Assign a text to it first"):
        leases.queue(draft.id)
    models.delete(draft.id)
    with pytest.raises(StateError, match="The model 'draft' is deleted. Restore it first"):
        leases.queue(draft.id)
    with pytest.raises(NotFound, match="no model with the id 'nobody'"):
        leases.queue("nobody")


def test_one_of_sixteen_concurrent_starts_succeeds(leases, ready):
    with ThreadPoolExecutor(THREADS) as threads:
        results = list(threads.map(lambda _: attempt(lambda: leases.queue(ready.id)), range(THREADS)))
    errors = [str(result) for result in results if isinstance(result, StateError)]
    assert len(errors) == THREADS - 1
    assert all("is training already" in error for error in errors)


def test_one_of_sixteen_concurrent_claims_succeeds(models, leases, ready):
    leases.queue(ready.id)

    def claim(number):
        return attempt(lambda: leases.claim(ready.id, f"worker {number}", seconds=60))

    with ThreadPoolExecutor(THREADS) as threads:
        results = list(threads.map(claim, range(THREADS)))
    (claimed,) = [result for result in results if not isinstance(result, StateError)]
    assert claimed.epoch == 1
    assert models.get(ready.id) == claimed


def test_claim_increments_the_epoch_and_uses_the_clock_of_the_database(database, leases, ready):
    leases.queue(ready.id)
    before = database.now()
    claimed = leases.claim(ready.id, "me", seconds=2.5)
    after = database.now()
    assert (claimed.state, claimed.epoch, claimed.worker) == (ModelState.TRAINING, 1, "me")
    assert before <= claimed.lease_until - timedelta(seconds=2.5) <= after
    assert before <= claimed.started_at <= after
    leases.finish(ready.id, 1, ModelState.STOPPED)
    leases.queue(ready.id)
    assert leases.claim(ready.id, "me", seconds=1).epoch == 2


def test_only_queued_models_can_be_claimed(leases, ready, training):
    with pytest.raises(StateError, match="'hamlet' is training by host:1:token. Only queued models can be claimed"):
        leases.claim(ready.id, "me", seconds=1)


def test_unqueue_restores_the_previous_state(leases, ready):
    leases.queue(ready.id)
    assert leases.unqueue(ready.id, ModelState.COMPLETED).state == ModelState.COMPLETED
    with pytest.raises(StateError, match="'hamlet' is completed, not queued. It was not changed"):
        leases.unqueue(ready.id, ModelState.READY)
    with pytest.raises(ValueError, match="back_to is training; expected one of completed, failed"):
        leases.unqueue(ready.id, ModelState.TRAINING)


def test_stop_can_be_requested_twice(leases, training):
    stopping = leases.request_stop(training.id)
    assert (stopping.state, stopping.stop_requested) == (ModelState.STOPPING, True)
    assert leases.request_stop(training.id) == stopping


@pytest.mark.parametrize(("step", "state"), [(0, ModelState.READY), (3, ModelState.STOPPED)])
def test_stop_removes_a_queued_model_from_the_queue(database, leases, ready, step, state):
    set_columns(database, ready.id, step=step)
    leases.queue(ready.id)
    stopped = leases.request_stop(ready.id)
    assert (stopped.state, stopped.stop_requested) == (state, False)
    with pytest.raises(StateError, match=f"'hamlet' is {state}, so there is no training to stop"):
        leases.request_stop(ready.id)


@pytest.mark.parametrize(("resumes", "state"), [(False, ModelState.COMPLETED), (True, ModelState.STOPPED)])
def test_cancelled_training_keeps_the_results_of_the_previous_one(database, leases, ready, resumes, state):
    set_columns(database, ready.id, state="completed", step=3)
    leases.queue(ready.id, resumes=resumes)
    assert leases.request_stop(ready.id).state == state


@pytest.mark.parametrize("state", ["stopped", "completed", "failed", "interrupted"])
def test_defect_5_finish_sets_the_final_state_and_releases_the_lease(leases, training, state):
    leases.request_stop(training.id)
    ended = leases.finish(training.id, 1, ModelState(state), error="why")
    assert (ended.state, ended.error, ended.worker, ended.lease_until) == (state, "why", "", None)
    assert not ended.stop_requested
    assert ended.finished_at >= ended.started_at
    assert leases.finish(training.id, 1, ModelState(state), error="why") == ended


def test_older_epoch_cannot_end_a_training(models, leases, training):
    with pytest.raises(LeaseLost, match="lost training 0 of the model 'hamlet': .* in training 1 now"):
        leases.finish(training.id, 0, ModelState.COMPLETED)
    with pytest.raises(LeaseLost):
        leases.interrupt(training.id, 0)
    assert models.get(training.id) == training


def test_training_ends_once(leases, training):
    leases.finish(training.id, 1, ModelState.STOPPED)
    with pytest.raises(LeaseLost, match="the model is stopped"):
        leases.finish(training.id, 1, ModelState.COMPLETED)
    with pytest.raises(ValueError, match="state is training; expected one of stopped"):
        leases.finish(training.id, 1, ModelState.TRAINING)


def test_defect_9_training_of_a_dead_worker_is_interrupted_and_can_be_resumed(models, leases, ready, corpus):
    other = models.create("alive", corpus_id=corpus.id)
    for model, seconds in ((ready, 0), (other, 3600)):
        leases.queue(model.id)
        leases.claim(model.id, "me", seconds=seconds)
    (ended,) = leases.expire()
    assert (ended.id, ended.state, ended.lease_until) == (ready.id, ModelState.INTERRUPTED, None)
    assert "stopped responding. Resume the training" in ended.error
    assert leases.expire() == []
    assert models.get(other.id).state == ModelState.TRAINING
    assert leases.queue(ready.id).state == ModelState.QUEUED


def test_training_without_a_lease_expires(database, leases, training):
    set_columns(database, training.id, lease_until=None, started_at=None)
    assert [model.id for model in leases.expire()] == [training.id]


def test_options_are_those_of_the_successful_queue_request(leases, models, ready):
    leases.queue(ready.id, train_params={"max_steps": 11})
    with pytest.raises(StateError):
        leases.queue(ready.id, train_params={"max_steps": 99})
    assert models.get(ready.id).train_params == {"max_steps": 11}


def test_queued_training_never_expires(database, leases, models, ready):
    """Queued trainings used to be marked as interrupted after a minute."""
    queued = leases.queue(ready.id, reserved_by="me")
    set_columns(database, ready.id, lease_until=queued.lease_until - timedelta(days=31))
    assert leases.expire() == []
    assert models.get(ready.id).state == ModelState.QUEUED
    assert leases.claim(ready.id, "another", seconds=60).state == ModelState.TRAINING


def test_concurrent_expirations_find_each_dead_worker_once(leases, models, corpus):
    ids = [models.create(str(number), corpus_id=corpus.id).id for number in range(5)]
    for model_id in ids:
        leases.queue(model_id)
        leases.claim(model_id, "me", seconds=0)
    with ThreadPoolExecutor(THREADS) as threads:
        ended = [model.id for models in threads.map(lambda _: leases.expire(), range(THREADS)) for model in models]
    assert sorted(ended) == sorted(ids)


def test_renewed_lease_does_not_expire(leases, history, ready):
    leases.queue(ready.id)
    leases.claim(ready.id, "me", seconds=0)
    history.append(ready.id, 1, HistoryBatch(first_position=1), seconds=3600)
    assert leases.expire() == []


def let_lease_expire(database, leases, training, **values):
    """Let the lease of a model in training expire, as when the database was unavailable for too long."""
    set_columns(database, training.id, lease_until=training.lease_until - timedelta(days=1), **values)
    (ended,) = leases.expire()
    assert ended.state == ModelState.INTERRUPTED


def test_defect_worker_presumed_dead_reclaims_its_training(database, leases, models, training, append):
    """After the database had been unavailable for longer than a lease, every training was ended."""
    let_lease_expire(database, leases, training)
    assert append(log_batch("still alive", first=1)) is False
    model = models.get(training.id)
    assert (model.state, model.epoch, model.worker, model.error) == (ModelState.TRAINING, 1, training.worker, None)
    assert model.lease_until > database.now()
    assert leases.finish(training.id, 1, ModelState.COMPLETED).state == ModelState.COMPLETED


def test_stop_request_survives_an_expired_lease(database, leases, models, training, append):
    let_lease_expire(database, leases, leases.request_stop(training.id))
    assert append(log_batch("still alive", first=1)) is True
    assert models.get(training.id).state == ModelState.STOPPING


CHANGED = {
    "queued": lambda models, leases, id: leases.queue(id),
    "queued and given back": lambda models, leases, id: (leases.queue(id), leases.unqueue(id, ModelState.INTERRUPTED)),
    "deleted": lambda models, leases, id: models.delete(id),
    "given other options": lambda models, leases, id: models.update(id, train_params={"max_steps": 7}),
}


@pytest.mark.parametrize("change", CHANGED)
def test_worker_presumed_dead_cannot_reclaim_a_changed_model(database, leases, models, training, append, change):
    let_lease_expire(database, leases, training)
    CHANGED[change](models, leases, training.id)
    before = models.get(training.id)
    with pytest.raises(LeaseLost, match="lost training 1 of the model 'hamlet'"):
        append(log_batch("still alive", first=1))
    assert models.get(training.id) == before


def test_expired_lease_of_a_living_worker_is_ignored(database, leases, training):
    set_columns(database, training.id, lease_until=training.lease_until - timedelta(days=1))
    assert leases.expire(alive=[training.id]) == []


def test_interrupt_does_not_wait_for_the_lease(database, leases, training):
    assert LeaseStore(database).interrupt(training.id, 1).state == ModelState.INTERRUPTED


def test_defect_10_concurrent_stop_and_finish_end_the_training(models, leases, ready):
    for epoch in range(1, 4):
        leases.queue(ready.id)
        leases.claim(ready.id, "me", seconds=60)
        with ThreadPoolExecutor(2) as threads:
            stop = threads.submit(attempt, lambda: leases.request_stop(ready.id))
            threads.submit(leases.finish, ready.id, epoch, ModelState.FAILED).result()
        assert stop.exception() is None
        assert models.get(ready.id).state == ModelState.FAILED
