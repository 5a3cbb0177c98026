"""Layouts contain only visible components."""

import panel as pn

from charrnn.services import Services
from dashboard.components.visible_only_layout import visible_only
from dashboard.live.hub import Hub
from dashboard.views.page import build_page


def test_hidden_components_are_removed_and_restored_in_place() -> None:
    first, second, third = (pn.pane.Str(words, visible=words != "second") for words in ("first", "second", "third"))
    layout = visible_only(pn.Row(first, second, third))
    assert layout.objects == [first, third]

    second.visible = True
    assert layout.objects == [first, second, third]

    first.visible = False
    assert layout.objects == [second, third]


def test_a_component_without_visibility_always_stays() -> None:
    class Always(pn.viewable.Viewer):
        def __panel__(self) -> pn.pane.Str:
            return pn.pane.Str("always")

    layout = visible_only(pn.Row(hidden := pn.pane.Str("hidden", visible=False), Always()))
    assert [part.object for part in layout] == ["always"]
    hidden.visible = True
    assert [part.object for part in layout] == ["hidden", "always"]


def test_a_new_page_has_no_hidden_parts(services: Services, hub: Hub) -> None:
    page = build_page(services, hub, max_upload_bytes=1000)
    assert [part for part in page.main[0].select() if not part.visible] == []
