"""All models: compare, delete, bring back; without a browser."""

import pytest
from bokeh.plotting import figure

from charrnn.core.atomic_files import file_name
from charrnn.core.errors import NotFound
from charrnn.services import Services
from dashboard.live.session import Session
from dashboard.views.compare import differences
from dashboard.views.models import LibraryView
from tests.support.waiting import wait_until


@pytest.fixture
def view(services: Services, session: Session) -> LibraryView:
    """The list of two models, the older one chosen."""
    ducks = services.models.create("ducks", options={"cell": "gru", "seed": 3})
    services.models.create("<b>drakes", options={"cell": "lstm", "seed": 3})
    view = LibraryView(session)
    session.model_id = ducks.id
    wait_until(lambda: session.drain() or len(view._table.rows) == 2)
    return view


def test_a_deleted_model_is_gone_and_can_be_brought_back(view: LibraryView, session: Session) -> None:
    ducks, models = session.model_id, session.services.models
    view._remove()
    wait_until(lambda: session.drain() or len(view._table.rows) == 1)
    assert (session.model_id, view._chosen.visible) == ("", False)
    assert (view._undo.visible, view._undo.label) == (True, "Bring ducks back")
    with pytest.raises(NotFound):
        models.get(ducks)

    view._restore(ducks)
    wait_until(lambda: session.drain() or len(view._table.rows) == 2)
    assert (session.model_id, view._undo.visible) == (ducks, False)
    assert models.resolve("ducks").id == ducks


def test_what_was_deleted_can_be_brought_back_after_a_reload(
    view: LibraryView, session: Session, services: Services
) -> None:
    assert not view._bin.visible
    for name in ("ducks", "<b>drakes"):
        services.models.delete(services.models.resolve(name).id)
    later = LibraryView(session)
    wait_until(lambda: session.drain() or later._bin.visible)
    assert [name.partition(",")[0] for name in later._gone.options] == ["<b>drakes", "ducks"]
    later._restore(later._gone.value)
    wait_until(lambda: session.drain() or len(later._table.rows) == 1)
    assert services.models.resolve("<b>drakes").id == session.model_id
    assert len(later._gone.options) == 1


def test_name_note_and_tags_are_changed_together(view: LibraryView, session: Session) -> None:
    view._name.value_input, view._notes.value_input, view._tags.value_input = " geese ", "loud", "birds,, farm "
    view._change()
    wait_until(lambda: session.drain() or "geese" in [row["name"] for row in view._table.rows])
    model = session.services.models.resolve("geese")
    assert (model.id, model.notes, list(model.tags)) == (session.model_id, "loud", ["birds", "farm"])


def test_a_model_that_was_never_trained_has_nothing_to_export(view: LibraryView) -> None:
    assert view._export.disabled


def test_an_export_that_fails_says_why_and_can_be_tried_again(view: LibraryView, session: Session) -> None:
    view._export.blocked = False
    view._export.clicks += 1
    assert (view._export.disabled, view._export.label) == (True, "Exporting …")
    wait_until(lambda: session.drain() or session.notice[1])
    assert "checkpoint" in session.notice[1]
    assert (view._export.disabled, view._export.label) == (False, "Export")


@pytest.mark.parametrize(
    ("name", "file"), [("ducks 2", "ducks 2"), ("../a:b", "_a_b"), ("鴨 🦆\u202e", "鴨 🦆_"), ("a\\b|c", "a_b_c")]
)
def test_a_name_becomes_one_that_every_file_system_takes(name: str, file: str) -> None:
    assert file_name(name) == file


def drawn(plot: figure | None) -> set[str]:
    """Return the names in a plot's legend."""
    return {item.label.value for item in plot.legend[0].items} if plot else set()


def test_ticked_models_are_compared(view: LibraryView, session: Session) -> None:
    compared = view._compare._layout
    assert not compared.visible
    for row in view._table.rows:
        view._table._handle_msg({"type": "compare", "id": row["id"], "on": True})
    wait_until(lambda: session.drain() or drawn(compared[1].object) == {"ducks", "<b>drakes"})
    assert compared.visible
    for row in view._table.rows:
        view._table._handle_msg({"type": "compare", "id": row["id"], "on": False})
    assert not compared.visible


def test_only_options_that_differ_are_compared_and_names_are_shown_as_text(view: LibraryView, session: Session) -> None:
    table = differences(session.services.models.all())
    assert "<td>gru</td>" in table
    assert "<td>lstm</td>" in table
    assert "seed" not in table
    assert "&lt;b&gt;drakes" in table
