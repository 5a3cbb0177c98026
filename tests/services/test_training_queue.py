"""Test trainings beyond the capacity of a machine: they wait, in turns of their owners, and start by themselves."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from charrnn.core.errors import LimitExceeded, NotFound, StateError
from charrnn.core.limits import Limits
from charrnn.core.queue_order import Capacity
from charrnn.core.records import ACTIVE, Model, ModelState
from charrnn.core.training_events import Event, MetricsMeasured, TrainingEnded
from charrnn.services import Services, open_services
from charrnn.services.cost_estimate import training_memory
from tests.support.occupied_slot import occupied_slot
from tests.support.small_training import OPTIONS, TEXT
from tests.support.waiting import TIMEOUT, wait_until

SHORT = OPTIONS | {"max_steps": 1, "sample_every_n": 0}

Open = Callable[..., Services]


@pytest.fixture
def open_home(tmp_path: Path) -> Iterator[Open]:
    """Return a function that opens the same data folder again, as another process would, with one slot by default."""
    with ExitStack() as opened:

        def open_home(**limits: int) -> Services:
            chosen = Limits(**{"max_trainings": 1, **limits})
            return opened.enter_context(open_services(tmp_path / "home", environ={}, limits=chosen))

        yield open_home


@pytest.fixture
def services(open_home: Open) -> Services:
    return open_home()


@pytest.fixture
def occupy() -> Iterator[Callable[[Services], Callable[[], None]]]:
    """Return a function that occupies a slot with a training, and returns a function that lets it end."""
    with ExitStack() as slots:
        yield lambda services: slots.enter_context(occupied_slot(services)).release


def ended(services: Services, *models: Model) -> list[Model]:
    """Wait until trainings have ended; return the models in the order in which they started."""
    found = [services.training.wait(model.id, timeout=TIMEOUT) for model in models]
    assert [model.error for model in found] == [None] * len(found)
    assert not [model for model in found if model.state in ACTIVE]
    return sorted(found, key=lambda model: model.started_at)


def names(services: Services) -> list[str]:
    return [entry.model.name for entry in services.queue.entries()]


def test_a_training_beyond_the_capacity_waits_and_starts_by_itself(services: Services, occupy) -> None:
    release = occupy(services)
    second = services.training.start(TEXT, name="second", options=SHORT)
    third = services.training.start(TEXT, name="third", options=SHORT)
    assert (second.state, third.state) == (ModelState.QUEUED, ModelState.QUEUED)
    assert names(services) == ["second", "third"]
    assert str(services.queue.entry(third.id)).startswith("Waiting, 2nd in line, starts in about ")
    release()
    assert [model.name for model in ended(services, second, third)] == ["second", "third"]
    assert services.queue.entries() == []
    assert services.queue.entry(third.id) is None


def test_waiting_trainings_start_in_turns_of_their_owners(services: Services, occupy) -> None:
    ada, bob = services.seen_by("ada"), services.seen_by("bob")
    release = occupy(services)
    waiting = [ada.training.start(TEXT, name=f"ada {number}", options=SHORT) for number in (1, 2)]
    waiting.append(bob.training.start(TEXT, name="bob 1", options=SHORT))
    assert names(services) == ["ada 1", "bob 1", "ada 2"]
    release()
    assert [model.name for model in ended(services, *waiting)] == ["ada 1", "bob 1", "ada 2"]


def test_waiting_trainings_can_be_moved(services: Services, occupy) -> None:
    release = occupy(services)
    waiting = [services.training.start(TEXT, name=name, options=SHORT) for name in ("a", "b", "c")]
    services.queue.move(waiting[2].id, "first")
    services.queue.move(waiting[0].id, "down")
    assert names(services) == ["c", "b", "a"]
    release()
    assert [model.name for model in ended(services, *waiting)] == ["c", "b", "a"]


def test_a_cancelled_training_never_starts_and_its_listeners_are_told(services: Services, occupy) -> None:
    events: list[Event] = []
    release = occupy(services)
    second = services.training.start(TEXT, name="second", options=SHORT, listeners=[events.append])
    third = services.training.start(TEXT, name="third", options=SHORT)
    assert services.queue.cancel(second.id).state == ModelState.READY
    wait_until(lambda: events)
    assert events == [TrainingEnded(0, ModelState.READY, "The training of 'second' was cancelled while it waited.")]
    with pytest.raises(StateError, match="The training of 'second' does not wait: it is ready"):
        services.queue.cancel(second.id)
    release()
    ended(services, third)
    assert services.models.get(second.id).epoch == 0
    services.training.begin(second.id)
    ended(services, second)


def test_users_see_their_own_trainings_and_their_place_among_all(services: Services, occupy) -> None:
    ada, bob = services.seen_by("ada"), services.seen_by("bob")
    occupy(services)
    hers = ada.training.start(TEXT, name="hers", options=SHORT)
    his = bob.training.start(TEXT, name="his", options=SHORT)
    assert [(entry.model.name, entry.position) for entry in bob.queue.entries()] == [("his", 2)]
    for change in (lambda: bob.queue.move(hers.id, "down"), lambda: bob.queue.cancel(hers.id)):
        with pytest.raises(NotFound):
            change()
    bob.queue.move(his.id, "first")  # among his own
    assert names(services) == ["hers", "his"]
    services.queue.move(his.id, "first")  # the operator
    assert names(services) == ["his", "hers"]
    for user, model in ((ada, hers), (bob, his)):
        user.queue.cancel(model.id)


def test_waiting_trainings_survive_a_restart(open_home: Open, occupy) -> None:
    before = open_home()
    occupy(before)
    waiting = [before.training.start(TEXT, name=name, options=SHORT) for name in ("b", "a")]
    before.training.launcher.thread(before.models.resolve("first").id).stop()
    with open_home() as after:
        assert names(after) == ["b", "a"]
        before.training.launcher.dispatcher.close()  # the first thing that happens when a process ends
        after.queue.serve()
        # The slot is still taken by the process that ends.
        assert {after.models.get(model.id).state for model in waiting} == {ModelState.QUEUED}
        after.training.launcher.leases.interrupt(before.models.resolve("first").id, 1)
        assert [model.name for model in ended(after, *waiting)] == ["b", "a"]


def test_two_dispatchers_start_each_training_once_and_keep_to_the_capacity(open_home: Open, occupy) -> None:
    starter, *servers = open_home(), open_home(), open_home()
    release = occupy(starter)
    waiting = [starter.training.start(TEXT, options=SHORT) for _ in range(4)]
    for model in waiting:
        starter.training.interrupt(model.id)  # leaves them to the servers
    for server in servers:
        server.queue.serve()
    release()
    found = ended(starter, *waiting)
    assert [model.epoch for model in found] == [1, 1, 1, 1]
    assert all(one.finished_at <= next.started_at for one, next in zip(found, found[1:], strict=False))


def test_a_training_that_was_queued_by_a_dead_process_starts_elsewhere(services: Services, occupy) -> None:
    release = occupy(services)
    script = f"""
from charrnn.core.limits import Limits
from charrnn.services import open_services
services = open_services({str(services.settings.home)!r}, environ={{}}, limits=Limits(max_trainings=1))
print(services.training.start({TEXT!r}, name="orphan", options={SHORT!r}).state, flush=True)
input()
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "queued\n"
    orphan = services.models.resolve("orphan")
    with pytest.raises(StateError, match="'orphan' waits in another process"):
        services.training.resume(orphan.id)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    services.queue.serve()
    release()
    [found] = ended(services, orphan)
    assert (found.state, found.epoch) == (ModelState.COMPLETED, 1)


def test_an_abandoned_training_is_taken_over_and_delays_nobody_else(open_home: Open, occupy) -> None:
    services, others = open_home(), open_home()
    release = occupy(services)
    abandoned = others.training.start(TEXT, name="abandoned", options=SHORT)
    others.close()
    release()
    ended(services, services.models.resolve("first"))
    assert services.training.start(TEXT, name="second", options=SHORT).state in (ModelState.TRAINING, ModelState.QUEUED)
    ended(services, services.models.resolve("second"))
    assert services.models.get(abandoned.id).state == ModelState.QUEUED
    services.training.resume(abandoned.id)
    ended(services, abandoned)


def test_a_training_with_listeners_waits_in_its_own_process(open_home: Open, occupy) -> None:
    events: list[Event] = []
    services, server = open_home(), open_home()
    server.queue.serve()
    release = occupy(server)
    model = services.training.start(TEXT, name="ours", options=SHORT, listeners=[events.append])
    release()
    ended(services, model)
    assert any(isinstance(event, MetricsMeasured) for event in events)
    assert server.training.launcher.thread(model.id) is None


def test_a_waiting_training_resumes_where_it_was_stopped_in_any_process(open_home: Open, occupy) -> None:
    services, server = open_home(), open_home()
    model = services.training.start(TEXT, name="ducks", options=SHORT)
    ended(services, model)
    release = occupy(services)
    assert services.training.resume(model.id, options={"max_steps": 3}).state == ModelState.QUEUED
    services.training.interrupt(model.id)
    server.queue.serve()
    release()
    wait_until(lambda: services.models.get(model.id).state == ModelState.COMPLETED)
    assert any(line.text.startswith("resumed at step 1") for line in services.models.lines(model.id))
    assert [metric.step for metric in services.models.metrics(model.id, names=["loss"])] == [1, 2, 3]


def test_a_training_waits_until_its_memory_is_free(open_home: Open, occupy) -> None:
    services = open_home(max_trainings=5)
    release = occupy(services)
    corpus = services.corpora.all()[0]
    options = services.models.resolve("first").train_params
    needed = training_memory(options, num_characters=corpus.num_characters, num_distinct=corpus.num_distinct)
    forecast = services.training.launcher.forecast
    forecast.capacity = Capacity(5, 0, 1.5 * needed)
    second = services.training.start(TEXT, name="second", options=SHORT)
    assert second.state == ModelState.QUEUED
    forecast.capacity = Capacity(5, 0, 2 * needed)
    wait_until(lambda: services.models.get(second.id).state != ModelState.QUEUED)
    release()
    ended(services, second)


def test_a_training_that_can_never_fit_is_rejected_at_once_with_numbers(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charrnn.services.limit_check.memory_bytes", lambda: 10_000)
    with pytest.raises(LimitExceeded, match=r"needs about \d+ MB of memory, but this machine has 0 MB, so it could"):
        services.training.start(TEXT, options=SHORT)
    assert services.models.all() == []


def test_one_user_cannot_take_all_slots_if_there_is_a_limit_per_user(open_home: Open, occupy) -> None:
    services = open_home(max_trainings=3, max_trainings_per_user=1)
    ada = services.seen_by("ada")
    release = occupy(ada)
    assert ada.training.start(TEXT, name="second", options=SHORT).state == ModelState.QUEUED
    his = services.seen_by("bob").training.start(TEXT, name="his", options=SHORT)
    assert his.state == ModelState.TRAINING
    release()
    ended(services, his, services.models.resolve("second"))


def test_one_user_cannot_fill_the_queue(open_home: Open, occupy) -> None:
    services = open_home(max_queued=1)
    occupy(services)
    ada = services.seen_by("ada")
    model = ada.training.start(TEXT, name="waits", options=SHORT)
    with pytest.raises(
        LimitExceeded, match="With this one, 2 of your trainings would wait, .* allows at most 1.*max-q"
    ):
        ada.training.start(TEXT, name="rejected", options=SHORT)
    assert [each.name for each in ada.models.all()] == ["waits"]
    services.seen_by("bob").training.start(TEXT, options=SHORT)
    ada.queue.cancel(model.id)


def test_a_waiting_training_whose_text_is_too_short_now_fails_with_the_reason(services: Services, occupy) -> None:
    release = occupy(services)
    server = services.training.launcher
    model = services.models.create("long", corpus=services.corpora.all()[0], options=OPTIONS | {"num_seqs": 4096})
    server.leases.queue(model.id)
    services.queue.serve()
    release()
    found = services.training.wait(model.id, timeout=TIMEOUT)
    assert found.state == ModelState.FAILED
    assert "lower num_seqs" in (found.error or "")
