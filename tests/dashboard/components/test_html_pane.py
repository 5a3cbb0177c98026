"""Markup that changes while somebody looks; without a browser."""

import pytest
from bokeh.document import Document

from dashboard.components.html_pane import Live


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is told to the browser."""
    told: list[str] = []
    monkeypatch.setattr(Live, "_send_msg", lambda self, html: told.append(html))
    return told


def test_what_is_shown_before_it_is_drawn_comes_with_the_page(sent: list[str]) -> None:
    live = Live()
    live.show("<p>one duck</p>")
    live._handle_msg(live.html)  # the browser has drawn it
    assert live.html == "<p>one duck</p>"
    assert not sent


def test_later_changes_are_told_once(sent: list[str]) -> None:
    live = Live()
    model = live.get_root(Document())
    live._handle_msg(live.html)
    for number in (1, 2, 2, 3):
        live.show(f"{number} ducks")
    assert sent == ["1 ducks", "2 ducks", "3 ducks"]
    assert model.data.html == ""  # Bokeh has nothing to lay out


def test_drawn_again_it_is_told_what_it_missed(sent: list[str]) -> None:
    live = Live()
    drawn = live.html
    live._handle_msg(drawn)
    live.show("seven ducks")
    live._handle_msg(drawn)
    assert sent == ["seven ducks"] * 2


def test_drawn_while_it_changed_it_is_told_so(sent: list[str]) -> None:
    live = Live()
    drawn = live.html
    live.show("a duck")
    live._handle_msg(drawn)
    assert sent == ["a duck"]


def test_once_it_is_out_and_not_yet_drawn_nothing_is_sent_until_it_asks(sent: list[str]) -> None:
    """Fifty pages whose browsers were busy cost a training most of what watching cost: each change went by Bokeh."""
    live = Live(html="an egg")
    model = live.get_root(Document())
    live.show("a duck")
    assert (model.data.html, sent) == ("an egg", [])
    live._handle_msg("an egg")
    assert sent == ["a duck"]
