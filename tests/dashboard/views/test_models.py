"""The library without a browser: edit, compare, export, delete and restore models."""

from typing import Any

import pytest
from bokeh.plotting import figure

from charrnn.core.atomic_files import file_name
from charrnn.core.errors import NotFound
from charrnn.services import Services
from dashboard.live.session import Session
from dashboard.views.compare import differences
from dashboard.views.models import ModelsView
from tests.support.controls import control, fill, labels, press, update_until


@pytest.fixture
def view(services: Services, session: Session) -> ModelsView:
    """The library with two models, of which the older one is chosen."""
    ducks = services.models.create("ducks", options={"cell": "gru", "seed": 3})
    services.models.create("<b>drakes", options={"cell": "lstm", "seed": 3})
    view = shown_view(session)
    session.model_id = ducks.id
    update_until(session, lambda: len(view.table.rows) == 2 and "Delete" in labels(view))
    return view


def shown_view(session: Session) -> ModelsView:
    view = ModelsView(session)
    session.on_update(view.update)
    return view


def send(view: ModelsView, **message: Any) -> None:
    """Send the message of a click in the table."""
    view.table._handle_msg(message)


def test_a_deleted_model_disappears_and_can_be_restored(view: ModelsView, session: Session) -> None:
    ducks, models = session.model_id, session.services.models
    press(view, "Delete")
    update_until(session, lambda: len(view.table.rows) == 1)
    assert session.model_id == ""
    assert "Delete" not in labels(view)
    with pytest.raises(NotFound):
        models.get(ducks)

    press(view, "Restore ducks")
    update_until(session, lambda: len(view.table.rows) == 2)
    assert session.model_id == ducks
    assert "Restore ducks" not in labels(view)
    assert models.resolve("ducks").id == ducks


def test_deleted_models_can_be_restored_after_a_reload(view: ModelsView, session: Session, services: Services) -> None:
    assert "Recycle bin" not in labels(view)
    for name in ("ducks", "<b>drakes"):
        services.models.delete(services.models.resolve(name).id)
    later = shown_view(session)
    update_until(session, lambda: "Recycle bin" in labels(later))
    options = control(later, "Recycle bin").options
    assert [name.partition(",")[0] for name in options] == ["<b>drakes", "ducks"]
    press(later, "Restore")
    update_until(session, lambda: len(later.table.rows) == 1)
    assert services.models.resolve("<b>drakes").id == session.model_id
    assert len(control(later, "Recycle bin").options) == 1


def test_name_note_and_tags_are_saved_together(view: ModelsView, session: Session) -> None:
    fill(view, "Name", " geese ")
    fill(view, "Note", "loud")
    fill(view, "Tags (comma-separated)", "birds,, farm ")
    press(view, "Save")
    update_until(session, lambda: "geese" in [row["name"] for row in view.table.rows])
    model = session.services.models.resolve("geese")
    assert (model.id, model.notes, list(model.tags)) == (session.model_id, "loud", ["birds", "farm"])


def test_a_click_in_the_table_chooses_a_model(view: ModelsView, session: Session) -> None:
    [other] = [row["id"] for row in view.table.rows if row["id"] != session.model_id]
    send(view, type="choose", id=other)
    assert session.model_id == other
    assert control(view, "Name").value == "<b>drakes"


@pytest.mark.parametrize(("label", "tab"), [("Training", "training"), ("Write", "write")])
def test_a_button_opens_the_tab_of_the_chosen_model(view: ModelsView, session: Session, label: str, tab: str) -> None:
    press(view, label)
    assert session.tab == tab


def test_an_untrained_model_cannot_be_exported(view: ModelsView) -> None:
    assert control(view, "Export").disabled


def test_the_error_of_an_export_is_shown_and_it_can_be_retried(view: ModelsView, session: Session) -> None:
    control(view, "Export").blocked = False
    press(view, "Export")
    assert control(view, "Exporting …").disabled
    update_until(session, lambda: session.notice[1])
    assert "checkpoint" in session.notice[1]
    assert not control(view, "Export").disabled


@pytest.mark.parametrize(
    ("name", "file"), [("ducks 2", "ducks 2"), ("../a:b", "_a_b"), ("鴨 🦆\u202e", "鴨 🦆_"), ("a\\b|c", "a_b_c")]
)
def test_a_name_becomes_a_file_name_that_is_valid_everywhere(name: str, file: str) -> None:
    assert file_name(name) == file


def legend(plot: figure | None) -> set[str]:
    """Return the names in a plot's legend."""
    return {item.label.value for item in plot.legend[0].items} if plot else set()


def test_selected_models_are_compared(view: ModelsView, session: Session) -> None:
    comparison = view.compare
    assert not comparison.layout.visible
    for row in view.table.rows:
        send(view, type="compare", id=row["id"], on=True)
    update_until(session, lambda: legend(comparison.plot.object) == {"ducks", "<b>drakes"})
    assert comparison.layout.visible
    for row in view.table.rows:
        send(view, type="compare", id=row["id"], on=False)
    assert not comparison.layout.visible


def test_only_differing_options_are_compared_and_names_are_escaped(view: ModelsView, session: Session) -> None:
    table = differences(session.services.models.all())
    assert "<td>gru</td>" in table
    assert "<td>lstm</td>" in table
    assert "seed" not in table
    assert "&lt;b&gt;drakes" in table
