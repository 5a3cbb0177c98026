"""Writing one text on a thread of its own."""

from collections.abc import Iterator
from threading import Event

import pytest

from charrnn.services import Services, open_services
from dashboard.live.background_generation import Pen
from tests.support.trained_home import TrainedHome
from tests.support.waiting import wait_until


@pytest.fixture
def opened(home) -> Iterator[Services]:
    with open_services(home, environ={}) as services:
        yield services


def written(pen: Pen, model_id: str, **options) -> Pen:
    pen.write(model_id, options, "best")
    wait_until(lambda: not pen.writing)
    return pen


def test_a_text_comes_with_surprise_and_alternatives_and_is_kept(opened: Services, trained: TrainedHome) -> None:
    rung = Event()
    pen = written(Pen(opened, rung.set), trained.model.id, start_string="little ", max_length=37, seed=5)
    assert rung.is_set()
    assert (pen.count, len(pen.nats), len(pen.alternatives)) == (37, 37, 37)
    assert min(pen.nats) >= 0
    assert pen.alternatives[0][0].logprob >= pen.alternatives[0][1].logprob
    kept = [sample for sample in opened.models.samples(trained.model.id) if sample.by_user]
    assert [sample.text for sample in kept] == [pen.text]
    assert pen.text.startswith("little ")
    assert "seed 5" in pen.about


def test_the_same_seed_gives_the_same_text(opened: Services, trained: TrainedHome) -> None:
    one, other = (written(Pen(opened, Event().set), trained.model.id, max_length=23, seed=7) for _ in range(2))
    assert one.text == other.text


def test_a_stopped_text_ends_and_is_kept(opened: Services, trained: TrainedHome) -> None:
    pen = Pen(opened, lambda: pen.stop() if pen.count else None)
    written(pen, trained.model.id, max_length=1_000_000)
    assert 0 < pen.count < 1_000_000
    assert [s.text for s in opened.models.samples(trained.model.id) if s.by_user] == [pen.text]


def test_characters_that_the_model_never_saw_are_named(opened: Services, trained: TrainedHome) -> None:
    pen = written(Pen(opened, Event().set), trained.model.id, start_string="Q鴨")
    assert pen.unknown == "Q鴨"
    assert (pen.count, "never saw" in pen.error) == (0, True)


def test_what_cannot_be_written_says_why(opened: Services, trained: TrainedHome) -> None:
    assert "no model" in written(Pen(opened, Event().set), "nobody").error
