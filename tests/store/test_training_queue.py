"""Tests of the order, reservations and dispatcher of waiting trainings."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from charrnn.core.errors import NotFound, StateError
from charrnn.core.records import ModelState
from charrnn.store.training_queue import Move, QueueStore
from tests.store.test_training_leases import THREADS, attempt, set_columns


@pytest.fixture
def queue(database):
    return QueueStore(database)


@pytest.fixture
def wait(models, leases, corpus):
    """Return a function that creates a waiting training for each name and returns their ids."""

    def wait(*names, owner="", reserved_by=""):
        created = [models.create(name, owner=owner, corpus_id=corpus.id).id for name in names]
        return [leases.queue(model_id, reserved_by=reserved_by).id for model_id in created]

    return wait


def names(queue):
    return [model.name for model in queue.waiting()]


def test_trainings_wait_in_the_order_in_which_they_were_queued(queue, wait, database):
    before = database.now()
    wait("macbeth", "othello", "lear")
    assert names(queue) == ["macbeth", "othello", "lear"]
    assert all(before <= model.queued_at <= database.now() for model in queue.waiting())


def test_model_can_be_created_in_the_queue(queue, models, corpus):
    created = models.create("hamlet", corpus_id=corpus.id, queued_for="me")
    assert (created.state, created.worker, created.queued_from) == (ModelState.QUEUED, "me", ModelState.READY)
    assert queue.waiting() == [created]


@pytest.mark.parametrize(
    ("name", "move", "expected"),
    [
        ("lear", "up", ["macbeth", "lear", "othello"]),
        ("macbeth", "down", ["othello", "macbeth", "lear"]),
        ("lear", "first", ["lear", "macbeth", "othello"]),
        ("macbeth", "up", ["macbeth", "othello", "lear"]),
        ("lear", "down", ["macbeth", "othello", "lear"]),
    ],
)
def test_move_changes_the_place_among_the_trainings_of_the_owner(queue, wait, name, move, expected):
    wait("macbeth", "othello", "lear")
    [moved] = [model for model in queue.waiting() if model.name == name]
    queue.move(moved.id, Move(move), by_operator=False)
    assert names(queue) == expected


def test_trainings_of_equal_rank_can_be_moved(queue, wait, database):
    for model_id in wait("macbeth", "othello", "lear"):
        set_columns(database, model_id, queue_rank=5)
    first, second, third = queue.waiting()
    queue.move(third.id, Move.FIRST, by_operator=False)
    assert [model.id for model in queue.waiting()] == [third.id, first.id, second.id]


def test_only_the_operator_places_a_training_before_those_of_other_owners(queue, wait):
    wait("macbeth", owner="ada")
    [othello] = wait("othello", owner="bob")
    queue.move(othello, Move.FIRST, by_operator=False)
    assert names(queue) == ["macbeth", "othello"]
    queue.move(othello, Move.FIRST, by_operator=True)
    assert names(queue) == ["othello", "macbeth"]
    assert queue.move(othello, Move.DOWN, by_operator=True).queue_priority == 0


def test_user_cannot_move_a_training_above_one_that_the_operator_placed_first(queue, wait):
    macbeth, othello = wait("macbeth", "othello")
    queue.move(macbeth, Move.FIRST, by_operator=True)
    queue.move(othello, Move.FIRST, by_operator=False)
    assert names(queue) == ["macbeth", "othello"]


def test_only_waiting_trainings_can_be_moved(queue, training):
    with pytest.raises(StateError, match="'hamlet' is training, so it has no place in the queue"):
        queue.move(training.id, Move.UP, by_operator=False)
    with pytest.raises(NotFound):
        queue.move("nobody", Move.UP, by_operator=False)


def test_reserved_training_is_claimed_only_by_its_process(queue, wait, leases):
    [model_id] = wait("macbeth", reserved_by="me")
    with pytest.raises(StateError, match="those that are reserved only by their process"):
        leases.claim(model_id, "another", seconds=60)
    with pytest.raises(StateError, match="'macbeth' waits in another process .me.. Cancel it there first"):
        queue.reserve(model_id, "another")
    assert leases.claim(model_id, "me", seconds=60).worker == "me"
    with pytest.raises(StateError, match="'macbeth' is training, not queued"):
        queue.reserve(model_id, "another")


def test_released_training_can_be_reserved_and_claimed_by_any_process(queue, wait, leases):
    [model_id] = wait("macbeth", reserved_by="me")
    assert not queue.release(model_id, "another")
    assert queue.release(model_id, "me")
    assert queue.reserve(model_id, "another").worker == "another"
    assert leases.claim(model_id, "another", seconds=60).epoch == 1


def test_reservation_expires_unless_it_is_renewed(queue, wait, database):
    lost, kept = wait("lost", "kept", reserved_by="me")
    for model_id in (lost, kept):
        set_columns(database, model_id, lease_until=database.now() - timedelta(seconds=1))
    assert queue.renew([kept, "nobody"], "me") == {kept}
    queue.release_expired()
    assert {model.name: model.worker for model in queue.waiting()} == {"lost": "", "kept": "me"}


def test_cancelled_training_is_not_reserved_any_more(wait, leases, models):
    [model_id] = wait("macbeth", reserved_by="me")
    leases.request_stop(model_id)
    found = models.get(model_id)
    assert (found.state, found.worker, found.lease_until) == (ModelState.READY, "", None)


def test_one_of_sixteen_concurrent_elections_succeeds(queue):
    with ThreadPoolExecutor(THREADS) as threads:
        elected = set(threads.map(lambda n: queue.elect("host", f"worker {n}", seconds=60), range(THREADS)))
    assert len(elected) == 1
    assert queue.elect("other host", "somebody", seconds=60) == "somebody"


def test_dispatcher_is_elected_again_after_it_resigned_or_hung(queue):
    assert queue.elect("host", "first", seconds=60) == "first"
    queue.resign("host", "second")  # not the dispatcher
    assert queue.elect("host", "second", seconds=60) == "first"
    queue.resign("host", "first")
    assert queue.elect("host", "second", seconds=-1) == "second"  # it hangs
    assert queue.elect("host", "third", seconds=60) == "third"


def test_one_of_sixteen_dispatchers_starts_a_waiting_training(wait, leases):
    [model_id] = wait("macbeth")
    with ThreadPoolExecutor(THREADS) as threads:
        claims = list(
            threads.map(lambda n: attempt(lambda: leases.claim(model_id, f"worker {n}", seconds=60)), range(THREADS))
        )
    assert len([claim for claim in claims if not isinstance(claim, StateError)]) == 1


def test_process_announces_that_it_serves_a_machine(queue):
    assert not queue.is_served("host")
    queue.serve("host", seconds=60)
    assert (queue.is_served("host"), queue.is_served("other host")) == (True, False)
    queue.serve("host", seconds=-1)
    assert not queue.is_served("host")


def test_running_trainings_and_last_starts_are_listed_by_owner(queue, wait, leases, training, models):
    [othello] = wait("othello", owner="bob")
    wait("lear", owner="ada")
    started = leases.claim(othello, "me", seconds=60)
    assert {model.id for model in queue.running()} == {training.id, othello}
    assert queue.last_starts() == {"": training.started_at, "bob": started.started_at}
