"""The base class of views: updates, change detection, navigation."""

import panel as pn
import pytest

from dashboard.live.session import MODEL_TABS, TABS, Session
from dashboard.views.tabs import TabsView
from dashboard.views.view import View
from tests.support.controls import press


class CountingView(View):
    """Counts its updates."""

    def __init__(self, session: Session):
        super().__init__(session)
        self.layout = pn.Column(self.tab_button("Go to Write", "write"))
        self.num_updates = 0

    def update(self) -> None:
        self.num_updates += 1


def test_a_state_is_shown_once_and_again_after_a_failure(session: Session) -> None:
    view, shown = CountingView(session), []

    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        view.if_changed(1, fail)
    for state in (1, 1, 2, 2, 1):
        view.if_changed(state, lambda state=state: shown.append(state))
    assert shown == [1, 2, 1]
    view.invalidate()
    view.if_changed(1, lambda: shown.append("again"))
    assert shown[-1] == "again"


def test_an_error_in_a_child_does_not_affect_the_others(session: Session) -> None:
    view, broken, sound = CountingView(session), CountingView(session), CountingView(session)
    broken.update = lambda: [][0]
    view.update_children(broken, sound)
    assert sound.num_updates == 1
    assert "IndexError" in session.notice[1]


def test_a_tab_button_opens_its_tab(session: Session) -> None:
    press(CountingView(session), "Go to Write")
    assert session.tab == "write"


def test_a_view_is_built_when_its_tab_is_opened_and_updated_only_while_it_is_open(
    session: Session,
) -> None:
    built: dict[str, CountingView] = {}

    def build(name: str) -> CountingView:
        built[name] = CountingView(session)
        return built[name]

    tabs = TabsView(session, {name: lambda session, name=name: build(name) for name in TABS})
    session.on_update(tabs.update)
    assert list(built) == ["library"]
    before = built["library"].num_updates
    session.update()
    assert built["library"].num_updates == before + 1
    session.tab = "write"
    assert list(built) == ["library", "write"]
    assert (tabs.bar.current, [name for name, _ in tabs.bar.tabs]) == ("write", list(MODEL_TABS))
    counts = built["library"].num_updates, built["write"].num_updates
    session.update()
    assert (built["library"].num_updates, built["write"].num_updates) == (counts[0], counts[1] + 1)


def test_a_click_on_a_tab_opens_it_unless_the_tabs_have_changed(session: Session) -> None:
    tabs = TabsView(session, dict.fromkeys(TABS, CountingView))
    assert tabs.bar.tabs == [], "the page of all models has none"
    session.tab = "write"
    tabs.bar._handle_msg({"type": "open", "name": "details"})
    assert session.tab == "details"
    tabs.bar._handle_msg({"type": "open", "name": "text"})
    assert session.tab == "details"
