"""Sessions: updates, tasks, errors and access."""

import threading

import pytest

from charrnn.core.errors import StateError, StoreUnavailable
from charrnn.services import Services
from dashboard.live.hub import Hub
from dashboard.live.session import Session, error_message
from dashboard.server.login_providers import Logins
from tests.support.in_process_server import opened
from tests.support.raw_browser import RawBrowser
from tests.support.waiting import wait_until


def test_choosing_a_model_follows_it(session: Session, services: Services, hub: Hub) -> None:
    model = services.models.create("ducks")
    session.choose(model, "training")
    wait_until(lambda: session.model)
    assert (session.model.name, session.tab, hub.num_feeds) == ("ducks", "training", 1)


def test_a_closed_session_is_not_updated(services: Services, hub: Hub) -> None:
    session = Session(services, hub, lambda: None)
    session.on_update(lambda: pytest.fail("a closed session was updated"))
    session.model_id = services.models.create("ducks").id
    session.close()
    session.update()
    assert (hub.num_sessions, hub.num_feeds) == (0, 0)


def test_work_runs_on_a_background_thread_and_its_result_is_posted(session: Session) -> None:
    threads: list[str] = []
    session.run(lambda: threads.append(threading.current_thread().name), threads.append, threads.append)
    wait_until(lambda: session.update() or len(threads) == 2)
    assert threads == ["dashboard task", None]


def test_a_failed_task_shows_why(session: Session) -> None:
    def fail() -> None:
        raise StateError("It is being trained already.")

    session.run(fail, lambda _: None, session.show_error)
    wait_until(lambda: session.update() or session.notice[1])
    assert session.notice == ("error", "It is being trained already.")


def test_an_invisible_page_gets_results_but_no_updates_until_it_is_visible_again(session: Session) -> None:
    calls: list[str] = []
    session.on_update(lambda: calls.append("update"))
    session.is_page_visible = False
    session.post(lambda: calls.append("result"))
    session.update()
    assert calls == ["result"]
    session.is_page_visible = True
    session.update()
    assert calls == ["result", "update"]


def test_a_failing_update_does_not_prevent_the_others(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    calls: list[str] = []
    session.on_update(lambda: [][0])
    session.on_update(lambda: calls.append("second"))
    session.update()
    assert calls == ["second"]
    assert "IndexError" in session.notice[1]
    assert "unexpected error" in caplog.text


def test_a_deleted_text_is_not_an_error(session: Session) -> None:
    session.corpus_id = "3" * 64
    assert session.corpus is None


def test_the_same_message_twice_is_shown_twice(session: Session) -> None:
    shown: list[tuple[str, str]] = []
    session.param.watch(lambda event: shown.append(event.new), "notice")
    session.show_error("No.")
    session.show_error("No.")
    assert shown.count(("error", "No.")) == 2


def test_error_messages_for_users_are_not_changed() -> None:
    assert error_message(StateError("Stop it first.")) == "Stop it first."


def test_views_are_updated_when_the_database_is_back(session: Session, hub: Hub) -> None:
    calls: list[str] = []

    def show() -> None:
        calls.append(hub.database.message)
        if len(calls) == 1:
            raise StoreUnavailable("The database is away.")

    session.on_update(show)
    session.update()
    assert session.notice == ("", "")  # the page says it once, for all of its views
    assert hub.database.message == "The database is away."
    wait_until(lambda: not hub.database.message)
    session.update()
    assert calls == ["", ""]


def test_a_session_stops_following_a_model_that_was_given_to_another_user(services: Services, hub: Hub) -> None:
    everybody, model = services, services.seen_by("ada").models.create("ducks")
    rings: list[int] = []
    session = Session(services.seen_by("ada"), hub, lambda: rings.append(1))
    session.model_id = model.id
    wait_until(lambda: session.model)
    calls: list[object] = []
    session.on_update(lambda: calls.append(session.model))

    everybody.models.give(model.id, "bob")
    rings.clear()
    wait_until(lambda: rings and hub.feed(session._wake).model.owner == "bob")
    session.update()
    assert (calls, session.model_id, hub.num_feeds) == ([None], "", 0)
    assert "belongs to another user" in session.notice[1]
    session.close()


def test_a_session_stops_following_a_model_that_was_deleted_elsewhere(session: Session, services: Services) -> None:
    session.model_id = services.models.create("ducks").id
    wait_until(lambda: session.model)
    services.models.delete(session.model_id)
    wait_until(lambda: session.update() or not session.model_id)
    assert (session.feed, session.notice[0]) == (None, "error")
    assert "There is no model" in session.notice[1]


def test_a_page_opened_during_an_outage_shows_the_model_after_it(
    services: Services, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = services.seen_by("ada")
    model = own.models.create("hers")
    session = Session(own, hub, lambda: None)

    def refuse(model_id: str) -> None:
        raise StoreUnavailable("The server is gone.")

    with monkeypatch.context() as away:
        away.setattr(own.models._models, "get", refuse)
        session.model_id = model.id
        assert session.feed is None
    hub.database.set("")
    session.update()
    assert session.feed is not None and session.feed.model_id == model.id
    session.close()


def test_a_session_is_disconnected_with_its_last_connection(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[bool] = []
    monkeypatch.setattr(Session, "disconnect", lambda session: left.append(session.closing.is_set()))
    for client in opened(services, Logins()):
        RawBrowser(client).close()
        wait_until(lambda: left)
    RawBrowser.end_all()
    assert left[0] is False  # long before the session itself ends
