"""The hub and its model feeds."""

import time
from threading import Event

import pytest

from charrnn.core.errors import StoreUnavailable
from charrnn.core.records import ModelState
from charrnn.services import Services, open_services
from dashboard.live.database_status import DatabaseStatus
from dashboard.live.hub import Hub
from dashboard.live.model_feed import ModelFeed
from tests.support.small_training import OPTIONS, TEXT
from tests.support.trained_home import TrainedHome
from tests.support.waiting import TIMEOUT, wait_until


def test_a_subscriber_is_woken_and_sees_the_whole_training(services: Services, hub: Hub) -> None:
    woken = Event()
    wake = woken.set
    hub.subscribe(wake)
    model = services.training.start(TEXT, options=OPTIONS)
    hub.follow(wake, model.id)
    wait_until(lambda: hub.feed(wake).model and hub.feed(wake).model.state == ModelState.COMPLETED)
    history = hub.feed(wake).history
    assert woken.is_set()
    assert list(history.curves["loss"].steps) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert list(history.curves["val_loss"].steps) == [2, 4, 6, 8]
    assert set(history.curves) == {"loss", "val_loss"}  # the only metrics that pages show
    assert {m.name for m in services.models.metrics(model.id)} > set(history.curves)
    assert [sample.step for sample in history.samples.values()] == [6, 8]
    assert [line.position for line in history.lines] == list(range(1, len(history.lines) + 1))


def test_two_sessions_share_the_feed_of_a_model(services: Services, hub: Hub) -> None:
    model = services.models.create("ducks")
    one, other = Event().set, Event().set
    for wake in (one, other):
        hub.subscribe(wake)
        hub.follow(wake, model.id)
    assert hub.feed(one) is hub.feed(other)
    hub.unsubscribe(one)
    assert (hub.num_sessions, hub.num_feeds) == (1, 1)
    hub.follow(other, "")
    assert hub.num_feeds == 0


def test_unsubscribing_leaves_nothing_behind(services: Services, hub: Hub) -> None:
    for _ in range(20):
        wake = Event().set
        hub.subscribe(wake)
        hub.follow(wake, services.models.free_name("no model"))
        hub.unsubscribe(wake)
    assert (hub.num_sessions, hub.num_feeds) == (0, 0)


def test_a_resumed_training_drops_the_curve_beyond_its_checkpoint(services: Services) -> None:
    model = services.training.start(TEXT, options=OPTIONS)
    services.training.wait(model.id)
    feed = ModelFeed(services, model.id)
    feed.refresh()
    before = feed.history
    services.training.resume(model.id, options={"max_steps": 11})
    services.training.wait(model.id)
    feed.refresh()
    assert feed.history is not before
    assert list(feed.history.curves["loss"].steps) == list(range(1, 12))
    assert [line.position for line in feed.history.lines] == list(range(1, len(feed.history.lines) + 1))


def test_a_local_training_reports_when_something_was_stored(services: Services) -> None:
    stored: list[str] = []
    model = services.training.start(TEXT, options=OPTIONS)
    follower = services.training.follow(model.id, on_stored=lambda: stored.append("something"))
    assert follower.is_local
    services.training.wait(model.id)
    follower.close()
    assert stored
    assert not follower.is_local


def test_closing_twice_is_not_an_error(services: Services) -> None:
    hub = Hub(services)
    hub.close()
    hub.close()


def test_validation_curves_are_read_incrementally(services: Services, hub: Hub) -> None:
    model = services.training.start(TEXT, options=OPTIONS)
    done = services.training.wait(model.id)
    assert list(hub.validation_curve(done).steps) == list(hub.validation_curve(done).steps) == [2, 4, 6, 8]
    services.training.resume(model.id, options={"max_steps": 11})
    assert list(hub.validation_curve(services.training.wait(model.id)).steps) == [2, 4, 6, 8, 10, 11]


def test_refreshing_an_unchanged_model_reports_no_change(trained: TrainedHome, home) -> None:
    with open_services(home, environ={}) as services:
        feed = ModelFeed(services, trained.model.id)
        assert feed.refresh()
        assert not feed.refresh()


def test_curves_are_not_read_more_often_than_they_are_drawn(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[float] = []
    curve = services.models.curve
    monkeypatch.setattr(
        services.models, "curve", lambda *args, **named: read.append(time.monotonic()) or curve(*args, **named)
    )
    model = services.training.start(TEXT, options=OPTIONS | {"max_steps": 1_000_000})
    feed = ModelFeed(services, model.id)
    while len(read) < 6:  # two curves, three times
        feed.refresh()
        time.sleep(0.01)
    assert all(later - earlier > 0.9 for earlier, later in zip(read[::2], read[2::2], strict=False))
    services.training.stop(model.id)
    services.training.wait(model.id)
    feed.refresh()
    assert feed.history.curves["loss"].last_step == feed.model.step


def test_a_missing_model_is_reported(services: Services) -> None:
    feed = ModelFeed(services, "nobody")
    assert feed.refresh()
    assert "This model no longer exists" in feed.error
    assert feed.model is None


def test_defect_an_update_is_kept_if_the_database_fails_afterwards(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = services.training.start(TEXT, options=OPTIONS)
    feed = ModelFeed(services, model.id)
    feed.refresh()
    services.training.wait(model.id)
    with monkeypatch.context() as outage:
        outage.setattr(services.models, "curve", fail)
        assert feed.refresh()
    assert feed.error == "The database is unavailable."
    assert feed.refresh()
    assert feed.error == ""
    assert [line.position for line in feed.history.lines] == list(
        range(1, services.models.get(model.id).log_position + 1)
    )
    assert list(feed.history.curves["loss"].steps) == list(range(1, 9))


def fail(*args, **kwargs):
    raise StoreUnavailable("The database is unavailable.")


def test_an_outage_is_reported_when_it_starts_and_ends(
    services: Services, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[str] = []
    hub.subscribe(lambda: messages.append(hub.database.message))
    wait_until(lambda: hub.models_version)
    with monkeypatch.context() as outage:
        outage.setattr(services.models, "all", fail)
        wait_until(lambda: "The database is unavailable." in messages)
    wait_until(lambda: messages[-1] == "")


def test_a_database_that_does_not_respond_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.live.database_status.TIMEOUT_SECONDS", 0.03)
    changed = Event()
    status = DatabaseStatus(changed.set)
    with status.query():
        assert changed.wait(TIMEOUT)
    assert status.message == "The database does not respond."
    status.set("")
    status.close()


def test_the_hub_survives_an_unexpected_error(
    services: Services, hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hub.subscribe(lambda: None)
    with monkeypatch.context() as wrong:
        wrong.setattr(services.models, "all", lambda: [][0])
        wait_until(lambda: "IndexError" in hub.database.message)
    wait_until(lambda: not hub.database.message)
    assert "unexpected error" in caplog.text


def test_a_change_of_a_model_is_shown_before_its_curves_are_due(services: Services, hub: Hub) -> None:
    wake = Event().set
    model = services.training.start(TEXT, options=OPTIONS | {"max_steps": 1_000_000})
    hub.subscribe(wake)
    hub.follow(wake, model.id)
    wait_until(lambda: hub.feed(wake).model)
    hub.feed(wake)._throttle.next = float("inf")
    services.models.rename(model.id, "geese")
    wait_until(lambda: hub.feed(wake).model.name == "geese")
    services.training.stop(model.id)
    wait_until(lambda: hub.feed(wake).model.state == ModelState.STOPPED)
