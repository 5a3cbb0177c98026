"""The log pane without a browser: lines are sent with the page or in messages."""

import json

import pytest
from bokeh.document import Document

from dashboard.components.log_pane import LogPane

DUCK, FOX = {"text": "a duck", "level": "info"}, {"text": "a fox", "level": "warning"}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[dict[str, str]]]]:
    """The messages that are sent to the browser: type and lines."""
    messages: list[tuple[str, list[dict[str, str]]]] = []
    monkeypatch.setattr(
        LogPane, "_send_msg", lambda self, message: messages.append((message["type"], message["lines"]))
    )
    return messages


def test_first_lines_are_sent_with_the_page_and_later_ones_one_by_one(sent: list[tuple[str, list[dict]]]) -> None:
    pane = LogPane()
    pane.append([DUCK])
    number, lines = json.loads(pane.start)
    assert lines == [DUCK]

    pane._handle_msg({"type": "drawn", "number": number})
    assert not sent
    pane.append([FOX])
    assert sent == [("append", [FOX])]
    pane._handle_msg({"type": "drawn", "number": number})  # again, after a change of tab
    assert sent[1:] == [("replace", [DUCK, FOX])]


def test_nothing_is_sent_between_sending_the_page_and_drawing_it(sent: list[tuple[str, list[dict]]]) -> None:
    """A busy browser would get each line with the thousand lines before it."""
    pane = LogPane()
    pane.append([DUCK])
    model = pane.get_root(Document())
    pane.append([FOX])
    number, lines = json.loads(model.data.start)
    assert (lines, sent) == ([DUCK], [])
    pane._handle_msg({"type": "drawn", "number": number})
    assert sent == [("replace", [DUCK, FOX])]
