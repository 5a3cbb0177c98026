"""The details of a model without a browser: edit, export, delete, and start a new model with its settings."""

from pathlib import Path

import pytest

from charrnn.core.atomic_files import file_name
from charrnn.core.errors import NotFound
from charrnn.services import Services, open_services
from dashboard.live.hub import Hub
from dashboard.live.session import Session
from dashboard.views.details import DetailsView
from dashboard.views.new_model import NewModelView
from tests.support.controls import control, fill, html, labels, press, update_until
from tests.support.small_training import TEXT
from tests.support.trained_home import TrainedHome


@pytest.fixture
def view(services: Services, session: Session) -> DetailsView:
    """The details of `ducks`, which was not trained."""
    corpus, _ = services.corpora.add(TEXT, name="pond")
    ducks = services.models.create("ducks", corpus=corpus, options={"cell": "gru", "seed": 3})
    view = DetailsView(session)
    session.on_update(view.update)
    session.model_id = ducks.id
    update_until(session, lambda: "Delete" in labels(view))
    return view


def test_without_a_model_the_view_says_what_to_do(session: Session) -> None:
    view = DetailsView(session)
    session.tab = "details"
    view.update()
    assert "No model chosen" in html(view)
    press(view, "Open models")
    assert session.tab == "library"


def test_text_and_settings_are_shown(view: DetailsView, session: Session) -> None:
    shown = html(view)
    assert "pond" in shown
    assert session.model.corpus_id in shown
    assert "<b>gru</b>" in shown, "settings that differ from the defaults are bold"
    assert "No checkpoints yet" in shown


def test_checkpoints_are_listed(home: Path, trained: TrainedHome) -> None:
    with open_services(home, environ={}) as services:
        hub = Hub(services)
        session = Session(services, hub, lambda: None)
        session.model_id = trained.model.id
        view = DetailsView(session)
        session.on_update(view.update)
        update_until(session, lambda: "<td>best</td>" in html(view))
        assert "<td>8</td><td>last</td>" in html(view)
        session.close()
        hub.close()


def test_name_note_and_tags_are_saved_together(view: DetailsView, session: Session) -> None:
    fill(view, "Name", " geese ")
    fill(view, "Note", "loud")
    fill(view, "Tags (comma-separated)", "birds,, farm ")
    press(view, "Save")
    update_until(session, lambda: session.model.name == "geese")
    model = session.services.models.resolve("geese")
    assert (model.id, model.notes, list(model.tags)) == (session.model_id, "loud", ["birds", "farm"])


def test_a_deleted_model_disappears_and_can_be_restored(view: DetailsView, session: Session) -> None:
    ducks = session.model_id
    press(view, "Delete")
    update_until(session, lambda: session.model_id == "")
    assert (session.deleted_id, session.tab) == (ducks, "library")
    assert "Delete" not in labels(view)
    with pytest.raises(NotFound):
        session.services.models.get(ducks)


def test_a_new_model_can_start_with_the_text_and_the_settings(view: DetailsView, session: Session) -> None:
    press(view, "New model with these settings")
    assert (session.tab, session.corpus_id) == ("options", session.model.corpus_id)
    new = NewModelView(session)
    session.on_update(new.update)
    update_until(session, lambda: new.form.values["cell"] == "gru")
    assert new.form.values["seed"] == 3


def test_an_untrained_model_cannot_be_exported(view: DetailsView) -> None:
    assert control(view, "Export").disabled and control(view, "Export as web page").disabled


def test_a_failed_export_shows_why_and_can_be_retried(view: DetailsView, session: Session) -> None:
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
