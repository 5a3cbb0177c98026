"""Who may train: every change succeeds once, and the database's clock decides."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update

from charrnn.core.errors import LeaseLost, NotFound, StateError
from charrnn.core.records import STARTABLE, ModelState
from charrnn.store.model_rows import HELD
from charrnn.store.run_history import Batch
from charrnn.store.tables import ModelRow
from charrnn.store.training_leases import LeaseStore
from tests.store.conftest import said

THREADS = 16


def put(database, model_id, **values):
    """Write into a model past all rules."""
    database.write(lambda session: session.execute(update(ModelRow).where(ModelRow.id == model_id).values(**values)))


def attempt(call):
    try:
        return call()
    except StateError as error:
        return error


@pytest.mark.parametrize("state", sorted(STARTABLE))
def test_a_model_can_be_queued_whenever_no_training_is_under_way(database, leases, ready, state):
    put(database, ready.id, state=state, error="old", stop_requested=True, finished_at=ready.created_at)
    queued = leases.queue(ready.id)
    assert (queued.state, queued.error, queued.stop_requested, queued.finished_at) == ("queued", None, False, None)
    assert queued.updated_at > ready.updated_at


CHANGES = {
    "queue": (STARTABLE, lambda leases, history, id: leases.queue(id)),
    "unqueue": ({"queued"}, lambda leases, history, id: leases.unqueue(id, ModelState.READY)),
    "claim": ({"queued"}, lambda leases, history, id: leases.claim(id, "me", seconds=60)),
    "request_stop": ({"queued", *HELD}, lambda leases, history, id: leases.request_stop(id)),
    "finish": ({*HELD, "failed"}, lambda leases, history, id: leases.finish(id, 1, ModelState.FAILED)),  # or once more
    "interrupt": (HELD, lambda leases, history, id: leases.interrupt(id, 1)),
    "append": (HELD, lambda leases, history, id: history.append(id, 1, Batch(first_position=1), seconds=60)),
    "rewind": (HELD, lambda leases, history, id: history.rewind(id, 1, 0)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_happens_in_the_states_that_allow_it_and_in_no_other(database, models, leases, history, ready, change):
    allowed, make = CHANGES[change]
    for state in ModelState:
        put(database, ready.id, state=state, epoch=1, lease_until=None, stop_requested=False)
        before = models.get(ready.id)
        if state in allowed:
            make(leases, history, ready.id)
            continue
        with pytest.raises((StateError, LeaseLost), match="'hamlet'"):
            make(leases, history, ready.id)
        assert models.get(ready.id) == before


def test_what_cannot_be_queued_says_why(models, leases, training):
    with pytest.raises(StateError, match=r"being trained already \(it is training by host:1:token\). Wait, or stop it"):
        leases.queue(training.id)
    draft = models.create("draft")
    with pytest.raises(StateError, match="The model 'draft' has no text yet. Give it one first"):
        leases.queue(draft.id)
    models.delete(draft.id)
    with pytest.raises(StateError, match="The model 'draft' is deleted. Restore it first"):
        leases.queue(draft.id)
    with pytest.raises(NotFound, match="no model with the id 'nobody'"):
        leases.queue("nobody")


def test_of_sixteen_that_start_the_same_model_one_wins_and_the_others_hear_why(leases, ready):
    with ThreadPoolExecutor(THREADS) as threads:
        results = list(threads.map(lambda _: attempt(lambda: leases.queue(ready.id)), range(THREADS)))
    losers = [str(result) for result in results if isinstance(result, StateError)]
    assert len(losers) == THREADS - 1
    assert all("is being trained already" in loser for loser in losers)


def test_of_sixteen_workers_one_gets_the_training(models, leases, ready):
    leases.queue(ready.id)

    def claim(number):
        return attempt(lambda: leases.claim(ready.id, f"worker {number}", seconds=60))

    with ThreadPoolExecutor(THREADS) as threads:
        results = list(threads.map(claim, range(THREADS)))
    (winner,) = [result for result in results if not isinstance(result, StateError)]
    assert winner.epoch == 1
    assert models.get(ready.id) == winner


def test_a_claim_gives_the_next_epoch_and_a_lease_on_the_databases_clock(database, leases, ready):
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


def test_only_a_queued_model_can_be_claimed(leases, ready, training):
    with pytest.raises(StateError, match="'hamlet' is training by host:1:token; only a queued one can be taken"):
        leases.claim(ready.id, "me", seconds=1)


def test_a_training_that_could_not_begin_goes_back_to_where_it_was(leases, ready):
    leases.queue(ready.id)
    assert leases.unqueue(ready.id, ModelState.COMPLETED).state == ModelState.COMPLETED
    with pytest.raises(StateError, match="'hamlet' is completed, not queued, and was left as it is"):
        leases.unqueue(ready.id, ModelState.READY)
    with pytest.raises(ValueError, match="back_to is training, but must be one of completed, failed"):
        leases.unqueue(ready.id, ModelState.TRAINING)


def test_stop_asks_a_training_and_may_be_asked_twice(leases, training):
    stopping = leases.request_stop(training.id)
    assert (stopping.state, stopping.stop_requested) == (ModelState.STOPPING, True)
    assert leases.request_stop(training.id) == stopping


@pytest.mark.parametrize(("step", "state"), [(0, ModelState.READY), (3, ModelState.STOPPED)])
def test_stop_takes_a_waiting_model_out_of_the_queue(database, leases, ready, step, state):
    put(database, ready.id, step=step)
    leases.queue(ready.id)
    left = leases.request_stop(ready.id)
    assert (left.state, left.stop_requested) == (state, False)
    with pytest.raises(StateError, match=f"'hamlet' is {state}; there is no training to stop"):
        leases.request_stop(ready.id)


@pytest.mark.parametrize("state", ["stopped", "completed", "failed", "interrupted"])
def test_defect_5_a_training_ends_in_the_state_that_it_says_and_gives_its_lease_back(leases, training, state):
    leases.request_stop(training.id)
    ended = leases.finish(training.id, 1, ModelState(state), error="why")
    assert (ended.state, ended.error, ended.worker, ended.lease_until) == (state, "why", "", None)
    assert not ended.stop_requested
    assert ended.finished_at >= ended.started_at
    assert leases.finish(training.id, 1, ModelState(state), error="why") == ended


def test_an_older_epoch_ends_nothing(models, leases, training):
    with pytest.raises(
        LeaseLost, match="Training 0 of the model 'hamlet' is over for this worker: .* in training 1 now"
    ):
        leases.finish(training.id, 0, ModelState.COMPLETED)
    with pytest.raises(LeaseLost):
        leases.interrupt(training.id, 0)
    assert models.get(training.id) == training


def test_a_training_ends_once(leases, training):
    leases.finish(training.id, 1, ModelState.STOPPED)
    with pytest.raises(LeaseLost, match="the model is stopped"):
        leases.finish(training.id, 1, ModelState.COMPLETED)
    with pytest.raises(ValueError, match="state is training, but a training ends as one of stopped"):
        leases.finish(training.id, 1, ModelState.TRAINING)


def test_defect_9_what_a_dead_worker_held_is_interrupted_and_can_be_resumed(models, leases, ready, corpus):
    other = models.create("alive", corpus_id=corpus.id)
    for model, seconds in ((ready, 0), (other, 3600)):
        leases.queue(model.id)
        leases.claim(model.id, "me", seconds=seconds)
    (ended,) = leases.expire()
    assert (ended.id, ended.state, ended.lease_until) == (ready.id, ModelState.INTERRUPTED, None)
    assert "stopped answering. Resume the training" in ended.error
    assert leases.expire() == []
    assert models.get(other.id).state == ModelState.TRAINING
    assert leases.queue(ready.id).state == ModelState.QUEUED


def test_a_training_without_a_lease_does_not_count_as_alive_for_ever(database, leases, training):
    put(database, training.id, lease_until=None, started_at=None)
    assert [model.id for model in leases.expire()] == [training.id]


def test_of_several_that_ask_at_once_the_options_are_those_of_the_one_that_won(leases, models, ready):
    leases.queue(ready.id, train_params={"max_steps": 11})
    with pytest.raises(StateError):
        leases.queue(ready.id, train_params={"max_steps": 99})
    assert models.get(ready.id).train_params == {"max_steps": 11}


def test_a_queued_training_that_nobody_takes_is_given_up_and_can_be_started(database, leases, ready):
    queued = leases.queue(ready.id)
    assert leases.expire() == []
    put(database, ready.id, lease_until=queued.lease_until - timedelta(seconds=61))
    assert [model.state for model in leases.expire()] == [ModelState.INTERRUPTED]
    assert leases.queue(ready.id).state == ModelState.QUEUED


def test_sixteen_that_look_for_dead_workers_find_each_once(leases, models, corpus):
    ids = [models.create(str(number), corpus_id=corpus.id).id for number in range(5)]
    for model_id in ids:
        leases.queue(model_id)
        leases.claim(model_id, "me", seconds=0)
    with ThreadPoolExecutor(THREADS) as threads:
        found = [model.id for models in threads.map(lambda _: leases.expire(), range(THREADS)) for model in models]
    assert sorted(found) == sorted(ids)


def test_a_lease_that_is_renewed_does_not_run_out(leases, history, ready):
    leases.queue(ready.id)
    leases.claim(ready.id, "me", seconds=0)
    history.append(ready.id, 1, Batch(first_position=1), seconds=3600)
    assert leases.expire() == []


def run_out(database, leases, training, **values):
    """Let the lease of the model in training run out, as when the database was away for longer than it lasts."""
    put(database, training.id, lease_until=training.lease_until - timedelta(days=1), **values)
    (ended,) = leases.expire()
    assert ended.state == ModelState.INTERRUPTED


def test_defect_a_worker_that_was_thought_dead_goes_on_if_nobody_took_its_training(
    database, leases, models, training, append
):
    """A database that was away for longer than a lease lasts ended every training when it came back."""
    run_out(database, leases, training)
    assert append(said("I live", first=1)) is False
    found = models.get(training.id)
    assert (found.state, found.epoch, found.worker, found.error) == (ModelState.TRAINING, 1, training.worker, None)
    assert found.lease_until > database.now()
    assert leases.finish(training.id, 1, ModelState.COMPLETED).state == ModelState.COMPLETED


def test_a_request_to_stop_outlasts_a_lease_that_ran_out(database, leases, models, training, append):
    run_out(database, leases, leases.request_stop(training.id))
    assert append(said("I live", first=1)) is True
    assert models.get(training.id).state == ModelState.STOPPING


TAKEN = {
    "queued": lambda models, leases, id: leases.queue(id),
    "queued and given back": lambda models, leases, id: (leases.queue(id), leases.unqueue(id, ModelState.INTERRUPTED)),
    "deleted": lambda models, leases, id: models.delete(id),
    "given other options": lambda models, leases, id: models.update(id, train_params={"max_steps": 7}),
}


@pytest.mark.parametrize("change", TAKEN)
def test_a_worker_that_was_thought_dead_stays_out_once_somebody_did_something(
    database, leases, models, training, append, change
):
    run_out(database, leases, training)
    TAKEN[change](models, leases, training.id)
    before = models.get(training.id)
    with pytest.raises(LeaseLost, match="Training 1 of the model 'hamlet' is over for this worker"):
        append(said("I live", first=1))
    assert models.get(training.id) == before


def test_a_lease_that_ran_out_is_no_death_where_the_worker_is_seen_at_work(database, leases, training):
    put(database, training.id, lease_until=training.lease_until - timedelta(days=1))
    assert leases.expire(alive=[training.id]) == []


def test_a_worker_that_is_known_to_be_dead_is_not_waited_for(database, leases, training):
    assert LeaseStore(database).interrupt(training.id, 1).state == ModelState.INTERRUPTED


def test_defect_10_a_start_and_an_end_at_once_leave_a_model_that_is_not_in_training(models, leases, ready):
    for epoch in range(1, 4):
        leases.queue(ready.id)
        leases.claim(ready.id, "me", seconds=60)
        with ThreadPoolExecutor(2) as threads:
            stop = threads.submit(attempt, lambda: leases.request_stop(ready.id))
            threads.submit(leases.finish, ready.id, epoch, ModelState.FAILED).result()
        assert stop.exception() is None
        assert models.get(ready.id).state == ModelState.FAILED
