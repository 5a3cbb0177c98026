"""A completed training on its page: what it came to, and only buttons that make sense."""

from collections.abc import Callable

import pytest

from charrnn.core.records import Model
from dashboard.live.session import Session
from dashboard.views.training import TrainingView
from tests.support.small_training import OPTIONS, TEXT
from tests.support.waiting import wait_until

IMPROVES = {"learning_rate": 0.003, "eval_every_n": 4, "val_fraction": 0.3}
"""Eight steps at which the loss falls to the end."""
GETS_WORSE = {"learning_rate": 1, "optimizer": "rmsprop", "max_steps": 500, "eval_every_n": 1, "patience": 3}


@pytest.fixture
def shown(session: Session) -> Callable[..., tuple[TrainingView, Model]]:
    """Train a model to its end and show it."""

    def show(**changes: object) -> tuple[TrainingView, Model]:
        services = session.services
        model = services.training.wait(services.training.start(TEXT, options={**OPTIONS, **changes}).id)
        session.choose(model, "training")
        view = TrainingView(session)
        wait_until(lambda: session.drain() or view._buttons["write"].visible)
        return view, services.models.get(model.id)

    return show


def test_a_training_that_improved_to_the_end_can_be_continued(shown: Callable[..., tuple[TrainingView, Model]]) -> None:
    view, _ = shown(**IMPROVES)
    assert view._buttons["longer"].visible
    assert "more time would help" in view._head.shown


def test_one_that_no_longer_improved_offers_no_more_time(shown: Callable[..., tuple[TrainingView, Model]]) -> None:
    view, model = shown(**GETS_WORSE)
    assert not view._buttons["longer"].visible
    assert view._buttons["again"].visible
    assert "Stopped improving; best model at step" in view._head.shown
    assert "A longer text would help" in view._head.shown
    assert model.step < 500
