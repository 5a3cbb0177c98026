"""The log: live, searched, to download; without a browser."""

import json
from typing import Any

import pytest
from bokeh.document import Document

from charrnn.core.training_events import Said
from charrnn.services import Services
from dashboard.live.model_feed import LINES
from dashboard.live.session import Session
from dashboard.views.log import LogPane, LogView
from tests.support.small_training import OPTIONS, TEXT
from tests.support.waiting import wait_until

MANY = 2 * LINES + 345


@pytest.fixture
def view(services: Services, session: Session) -> LogView:
    """The log of a training that said much, with one warning and one error in it."""
    corpus, _ = services.corpora.add(TEXT, name="ducks")
    model = services.models.create("ducks", corpus=corpus, options=OPTIONS)
    said = [Said(f"duck {number}") for number in range(MANY)]
    said[7], said[9] = Said("A fox!\x1b[2J", "warning"), Said("The pond is gone", "error")

    def tell(event: object) -> None:
        while said:
            services.training._workers[model.id]._recorder.note(said.pop(0))

    services.training.begin(model.id, listeners=[tell])
    services.training.wait(model.id)
    view = LogView(session)
    session.model_id = model.id
    wait_until(lambda: session.drain() or view._pane.lines)
    return view


def shown(view: LogView) -> list[str]:
    return [line["text"] for line in view._pane.lines]


def look_for(view: LogView, **asked: Any) -> list[str]:
    """Set the fields, and return the lines that are shown then, without their numbers."""
    view._found.object = ""
    for name, value in asked.items():
        getattr(view, f"_{name}").value = value
    wait_until(lambda: view._session.drain() or view._found.object)
    return [text.split("  ", 1)[1] for text in map(str.strip, shown(view))]


def test_a_long_log_is_shown_by_its_newest_lines_and_searched_and_downloaded_whole(view: LogView) -> None:
    assert len(shown(view)) == LINES
    assert "duck 17" not in shown(view)

    assert look_for(view, level="warning") == ["A fox!␛[2J", "The pond is gone"]
    assert look_for(view, level="error") == ["The pond is gone"]
    assert "1 line found" in view._found.object
    assert look_for(view, level="", search="DUCK 17")[:3] == ["duck 17", "duck 170", "duck 171"]
    assert len(look_for(view, search="duck")) == 1000
    assert "The newest 1,000 lines found" in view._found.object

    view._search.value = ""
    assert len(shown(view)) == LINES
    assert view._found.object == ""

    lines = view._file().read().decode().splitlines()
    assert {"duck 17", "A fox!\x1b[2J", f"duck {MANY - 1}"} <= set(lines)


def test_another_model_has_another_log(view: LogView, session: Session) -> None:
    look_for(view, search="fox")
    session.model_id = session.services.models.create("geese").id
    wait_until(lambda: session.drain() or not shown(view))
    assert view._search.value == ""


def test_a_log_that_is_not_followed_stays_where_it_is(view: LogView) -> None:
    view._follow.value = False
    assert not view._pane.follow


def test_the_first_lines_come_with_the_page_and_later_ones_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, list[dict[str, str]]]] = []
    monkeypatch.setattr(LogPane, "_send_msg", lambda self, message: told.append((message["type"], message["lines"])))
    one, two = {"text": "a duck", "level": "info"}, {"text": "a fox", "level": "warning"}
    pane = LogPane()
    pane.append([one])
    number, lines = json.loads(pane.start)
    assert lines == [one]

    pane._handle_msg({"type": "drawn", "number": number})
    assert not told
    pane.append([two])
    assert told == [("append", [two])]
    pane._handle_msg({"type": "drawn", "number": number})  # again, after a change of tab
    assert told[1:] == [("replace", [one, two])]


def test_once_it_is_out_and_not_yet_drawn_nothing_is_sent_until_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line went to busy browsers with the thousand before it."""
    told: list[list[dict[str, str]]] = []
    monkeypatch.setattr(LogPane, "_send_msg", lambda self, message: told.append(message["lines"]))
    one, two = {"text": "a duck", "level": "info"}, {"text": "a fox", "level": "warning"}
    pane = LogPane()
    pane.append([one])
    model = pane.get_root(Document())
    pane.append([two])
    number, lines = json.loads(model.data.start)
    assert (lines, told) == ([one], [])
    pane._handle_msg({"type": "drawn", "number": number})
    assert told == [[one, two]]
