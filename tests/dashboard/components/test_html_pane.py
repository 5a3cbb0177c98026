"""The HTML pane without a browser: HTML is sent with the page or in messages."""

import pytest
from bokeh.document import Document

from dashboard.components.html_pane import HTMLPane


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The messages that are sent to the browser."""
    messages: list[str] = []
    monkeypatch.setattr(HTMLPane, "_send_msg", lambda self, html: messages.append(html))
    return messages


def test_html_that_is_set_before_drawing_is_sent_with_the_page(sent: list[str]) -> None:
    pane = HTMLPane()
    pane.show("<p>one duck</p>")
    pane._handle_msg(pane.html)  # the browser has rendered it
    assert pane.html == "<p>one duck</p>"
    assert not sent


def test_each_later_change_is_sent_once_as_a_message(sent: list[str]) -> None:
    pane = HTMLPane()
    model = pane.get_root(Document())
    pane._handle_msg(pane.html)
    for number in (1, 2, 2, 3):
        pane.show(f"{number} ducks")
    assert sent == ["1 ducks", "2 ducks", "3 ducks"]
    assert model.data.html == ""  # Bokeh has nothing to lay out


def test_a_pane_that_is_drawn_again_gets_the_current_html(sent: list[str]) -> None:
    pane = HTMLPane()
    drawn = pane.html
    pane._handle_msg(drawn)
    pane.show("seven ducks")
    pane._handle_msg(drawn)
    assert sent == ["seven ducks"] * 2


def test_a_change_while_drawing_is_sent_afterwards(sent: list[str]) -> None:
    pane = HTMLPane()
    drawn = pane.html
    pane.show("a duck")
    pane._handle_msg(drawn)
    assert sent == ["a duck"]


def test_nothing_is_sent_between_sending_the_page_and_drawing_it(sent: list[str]) -> None:
    """Each message would make a busy browser lay out the page again, which is most of the cost of many open pages."""
    pane = HTMLPane(html="an egg")
    model = pane.get_root(Document())
    pane.show("a duck")
    assert (model.data.html, sent) == ("an egg", [])
    pane._handle_msg("an egg")
    assert sent == ["a duck"]
