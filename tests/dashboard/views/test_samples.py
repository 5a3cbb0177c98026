"""What a training writes on its way, as a time line; without a browser."""

from datetime import datetime

import pytest

from charrnn.core.records import Sample
from charrnn.services import Services
from dashboard.live.session import Session
from dashboard.views.samples import SamplesView
from tests.support.waiting import wait_until


def sample(step: int, text: str, *, by_user: bool = False) -> Sample:
    return Sample(f"{step}{by_user}", "ducks", step, text, {"seed": 1}, datetime(2024, 2, 29), by_user)


@pytest.fixture
def view(services: Services, session: Session) -> SamplesView:
    """The time line of a model whose training wrote twice."""
    model = services.models.create("ducks")
    session.model_id = model.id
    wait_until(lambda: session.feed.story is not None)
    view = SamplesView(session)
    tell(session, sample(5, "qx\x1b[2J"), sample(70, "qua qua"))
    return view


def tell(session: Session, *samples: Sample) -> None:
    session.feed.story.samples.update({sample.id: sample for sample in samples})
    session.drain()


def test_the_newest_sample_is_shown_with_its_step(view: SamplesView) -> None:
    assert "qua qua" in view._text.object
    assert "<b>70</b> (sample 2 of 2" in view._text.object


def test_the_slider_goes_back_to_noise(view: SamplesView) -> None:
    view._slider.value = 0
    assert "qx␛[2J" in view._text.object
    assert "<b>5</b> (sample 1 of 2" in view._text.object


def test_who_looks_at_the_newest_one_sees_the_next_and_who_went_back_stays(view: SamplesView, session: Session) -> None:
    tell(session, sample(200, "quack, quack"))
    assert "quack, quack" in view._text.object
    view._slider.value = 1
    tell(session, sample(900, "a duck"))
    assert "qua qua" in view._text.object
    assert (view._slider.value, view._slider.end) == (1, 3)


def test_what_users_wrote_is_elsewhere(view: SamplesView, session: Session) -> None:
    tell(session, sample(300, "mine", by_user=True))
    assert view._slider.end == 1
    assert "qua qua" in view._text.object


def test_before_the_first_sample_it_says_when_one_comes(services: Services, session: Session) -> None:
    session.model_id = services.models.create("geese").id
    view = SamplesView(session)
    wait_until(lambda: session.drain() or session.feed.story is not None)
    assert "No sample yet" in view._text.object
    assert not view._slider.visible
