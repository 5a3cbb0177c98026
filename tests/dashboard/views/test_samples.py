"""The samples of a training, without a browser."""

from datetime import datetime

import pytest

from charrnn.core.records import Sample
from charrnn.services import Services
from dashboard.live.session import Session
from dashboard.views.samples import SamplesView
from tests.support.controls import control, html, labels, update_until


def sample(step: int, text: str, *, by_user: bool = False) -> Sample:
    return Sample(f"{step}{by_user}", "ducks", step, text, {"seed": 1}, datetime(2024, 2, 29), by_user)


@pytest.fixture
def view(services: Services, session: Session) -> SamplesView:
    """The samples of a model whose training wrote two."""
    session.model_id = services.models.create("ducks").id
    view = SamplesView(session)
    session.on_update(view.update)
    update_until(session, lambda: session.feed.history is not None)
    add(session, sample(5, "qx\x1b[2J"), sample(70, "qua qua"))
    return view


def add(session: Session, *samples: Sample) -> None:
    session.feed.history.samples.update({sample.id: sample for sample in samples})
    session.update()


def test_the_newest_sample_is_shown_with_its_step(view: SamplesView) -> None:
    assert "qua qua" in html(view)
    assert "<b>70</b> (sample 2 of 2" in html(view)


def test_the_slider_goes_back_to_earlier_samples(view: SamplesView) -> None:
    control(view, "Sample").value = 0
    assert "qx␛[2J" in html(view)
    assert "<b>5</b> (sample 1 of 2" in html(view)


def test_the_next_sample_is_shown_unless_the_slider_was_moved_back(view: SamplesView, session: Session) -> None:
    add(session, sample(200, "quack, quack"))
    assert "quack, quack" in html(view)
    slider = control(view, "Sample")
    slider.value = 1
    add(session, sample(900, "a duck"))
    assert "qua qua" in html(view)
    assert (slider.value, slider.end) == (1, 3)


def test_texts_that_users_generated_are_not_shown(view: SamplesView, session: Session) -> None:
    add(session, sample(300, "mine", by_user=True))
    assert control(view, "Sample").end == 1
    assert "qua qua" in html(view)


def test_without_samples_the_view_explains_when_one_is_generated(services: Services, session: Session) -> None:
    session.model_id = services.models.create("geese").id
    view = SamplesView(session)
    session.on_update(view.update)
    update_until(session, lambda: session.feed.history is not None)
    assert "No samples yet" in html(view)
    assert "Sample" not in labels(view)
