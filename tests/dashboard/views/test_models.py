"""The table of models without a browser: open, compare and restore models."""

from typing import Any

import pytest
from bokeh.plotting import figure

from charrnn.services import Services
from dashboard.live.session import Session
from dashboard.views.compare import differences
from dashboard.views.models import ModelsView
from tests.support.controls import control, labels, press, update_until


@pytest.fixture
def view(services: Services, session: Session) -> ModelsView:
    """The library with two models, of which the older one is chosen."""
    ducks = services.models.create("ducks", options={"cell": "gru", "seed": 3})
    services.models.create("<b>drakes", options={"cell": "lstm", "seed": 3})
    view = shown_view(session)
    session.model_id = ducks.id
    update_until(session, lambda: len(view.table.rows) == 2)
    return view


def shown_view(session: Session) -> ModelsView:
    view = ModelsView(session)
    session.on_update(view.update)
    return view


def send(view: ModelsView, **message: Any) -> None:
    """Send the message of a click in the table."""
    view.table._handle_msg(message)


def test_a_model_that_was_just_deleted_can_be_restored(view: ModelsView, session: Session, services: Services) -> None:
    ducks = session.model_id
    services.models.delete(ducks)
    session.param.update(deleted_id=ducks, model_id="")
    update_until(session, lambda: len(view.table.rows) == 1 and "Restore ducks" in labels(view))

    press(view, "Restore ducks")
    update_until(session, lambda: len(view.table.rows) == 2 and "Restore ducks" not in labels(view))
    assert session.model_id == ducks
    assert services.models.resolve("ducks").id == ducks


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


def test_a_click_into_the_table_opens_the_model(view: ModelsView, session: Session) -> None:
    [other] = [row["id"] for row in view.table.rows if row["id"] != session.model_id]
    send(view, type="choose", id=other)
    assert (session.model_id, session.tab) == (other, "training")


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
