"""The log view without a browser: live lines, search and download."""

from collections.abc import Callable

import pytest

from charrnn.core.training_events import LogMessage
from charrnn.services import Services
from dashboard.live.model_feed import MAX_LINES
from dashboard.live.session import Session
from dashboard.views.log import LogView
from tests.support.controls import choose, control, fill, html, update_until
from tests.support.small_training import OPTIONS, TEXT

MANY = 2 * MAX_LINES + 345


@pytest.fixture
def view(services: Services, session: Session) -> LogView:
    """The log of a training with many lines, among them a warning and an error."""
    corpus, _ = services.corpora.add(TEXT, name="ducks")
    model = services.models.create("ducks", corpus=corpus, options=OPTIONS)
    events = [LogMessage(f"duck {number}") for number in range(MANY)]
    events[7], events[9] = LogMessage("A fox!\x1b[2J", "warning"), LogMessage("The pond is gone", "error")

    def record(event: object) -> None:
        while events:
            services.training.launcher.thread(model.id)._recorder.record(events.pop(0))

    services.training.begin(model.id, listeners=[record])
    services.training.wait(model.id)
    view = LogView(session)
    session.on_update(view.update)
    session.model_id = model.id
    update_until(session, lambda: view.pane.lines)
    return view


def shown(view: LogView) -> list[str]:
    return [line["text"] for line in view.pane.lines]


def results(view: LogView, act: Callable[[], None]) -> list[str]:
    """Change the search, and return the results without their line numbers."""
    view.results.object = ""
    act()
    update_until(view.session, lambda: view.results.object)
    return [text.split("  ", 1)[1] for text in map(str.strip, shown(view))]


def test_a_long_log_shows_its_newest_lines_and_is_searched_and_downloaded_completely(view: LogView) -> None:
    assert len(shown(view)) == MAX_LINES
    assert "duck 17" not in shown(view)

    found = results(view, lambda: choose(view, "Level", "Warnings and errors"))
    assert found == ["A fox!␛[2J", "The pond is gone"]
    assert results(view, lambda: choose(view, "Level", "Errors")) == ["The pond is gone"]
    assert "1 line found" in html(view)
    choose(view, "Level", "All")
    found = results(view, lambda: fill(view, "Search the log", "DUCK 17"))
    assert found[:3] == ["duck 17", "duck 170", "duck 171"]
    assert len(results(view, lambda: fill(view, "Search the log", "duck"))) == 1000
    assert "Newest 1,000 lines found" in html(view)

    fill(view, "Search the log", "")
    assert len(shown(view)) == MAX_LINES
    assert "found" not in html(view)

    lines = control(view, "Download").callback().read().decode().splitlines()
    assert {"duck 17", "A fox!\x1b[2J", f"duck {MANY - 1}"} <= set(lines)


def test_choosing_another_model_shows_its_log(view: LogView, session: Session) -> None:
    results(view, lambda: fill(view, "Search the log", "fox"))
    session.model_id = session.services.models.create("geese").id
    update_until(session, lambda: not shown(view))
    assert control(view, "Search the log").value == ""


def test_the_follow_switch_reaches_the_pane(view: LogView) -> None:
    control(view, "Follow").value = False
    assert not view.pane.follow
