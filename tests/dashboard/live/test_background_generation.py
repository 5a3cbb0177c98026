"""Generating a text on a background thread."""

from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from charrnn.services import Services, open_services
from dashboard.live.background_generation import BackgroundGeneration
from tests.support.trained_home import TrainedHome
from tests.support.waiting import wait_until


@pytest.fixture
def opened(home) -> Iterator[Services]:
    with open_services(home, environ={}) as services:
        yield services


def generated(text: BackgroundGeneration, model_id: str, **options: Any) -> BackgroundGeneration:
    """Generate a text, and wait for its end."""
    text.start(model_id, options, "best")
    wait_until(lambda: not text.is_running)
    return text


def new_text(services: Services) -> BackgroundGeneration:
    return BackgroundGeneration(services, lambda: None)


def test_a_text_has_surprise_and_alternatives_and_is_stored(opened: Services, trained: TrainedHome) -> None:
    changed = Event()
    text = BackgroundGeneration(opened, changed.set)
    generated(text, trained.model.id, start_string="little ", max_length=37, seed=5)
    assert changed.is_set()
    assert (text.count, len(text.nats), len(text.alternatives)) == (37, 37, 37)
    assert min(text.nats) >= 0
    assert text.alternatives[0][0].logprob >= text.alternatives[0][1].logprob
    stored = [sample for sample in opened.models.samples(trained.model.id) if sample.by_user]
    assert [sample.text for sample in stored] == [text.text]
    assert text.text.startswith("little ")
    assert "seed 5" in text.description


def test_the_same_seed_gives_the_same_text(opened: Services, trained: TrainedHome) -> None:
    one, other = (generated(new_text(opened), trained.model.id, max_length=23, seed=7) for _ in range(2))
    assert one.text == other.text


def test_a_stopped_text_is_stored(opened: Services, trained: TrainedHome) -> None:
    text = BackgroundGeneration(opened, lambda: text.stop() if text.count else None)
    generated(text, trained.model.id, max_length=1_000_000)
    assert 0 < text.count < 1_000_000
    assert [s.text for s in opened.models.samples(trained.model.id) if s.by_user] == [text.text]


def test_unknown_characters_of_the_prompt_are_named(opened: Services, trained: TrainedHome) -> None:
    text = generated(new_text(opened), trained.model.id, start_string="Q鴨")
    assert text.unknown_characters == "Q鴨"
    assert (text.count, "can't read" in text.error) == (0, True)


def test_a_failed_generation_has_an_error_message(opened: Services, trained: TrainedHome) -> None:
    assert "no model" in generated(new_text(opened), "nobody").error
