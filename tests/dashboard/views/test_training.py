"""The training view without a browser: its buttons, progress and errors."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from charrnn.core.queue_order import Capacity
from charrnn.core.records import ModelState
from charrnn.services import Services, open_services
from charrnn.services.progress_estimate import ProgressEstimate
from dashboard.live.hub import Hub
from dashboard.live.session import Session
from dashboard.views.models import ModelsView
from dashboard.views.training import TrainingView, headline
from tests.support.controls import control, html, labels, press, update_until
from tests.support.occupied_slot import OccupiedSlot, occupied_slot
from tests.support.small_training import OPTIONS, TEXT
from tests.support.trained_home import TrainedHome

IMPROVES = {"learning_rate": 0.003, "eval_every_n": 4, "val_fraction": 0.3}
"""Options with which the loss falls until the end, after eight steps."""
STOPS_IMPROVING = {"learning_rate": 1, "optimizer": "rmsprop", "max_steps": 500, "eval_every_n": 1, "patience": 3}
ACTIONS = {
    "Start", "Stop", "Stopping …", "Cancel", "Move up", "Move down", "Resume", "Train longer", "Start over",
    "Discard and retrain", "Write",
}  # fmt: skip


def shown_view(session: Session) -> TrainingView:
    view = TrainingView(session)
    session.on_update(view.update)
    return view


def actions(view: TrainingView) -> set[str]:
    """Return the labels of the action buttons that are visible."""
    return labels(view) & ACTIONS


@pytest.fixture
def view(home: Path, trained: TrainedHome) -> Iterator[TrainingView]:
    """The view of a completed training."""
    with open_services(home, environ={}) as services:
        hub = Hub(services)
        session = Session(services, hub, lambda: None)
        session.model_id = trained.model.id
        view = shown_view(session)
        update_until(session, lambda: actions(view))
        yield view
        session.close()
        hub.close()


@pytest.fixture
def show_completed(session: Session, services: Services) -> Callable[..., TrainingView]:
    """Return a function that trains a model to its end and shows the training."""

    def show_completed(**changes: object) -> TrainingView:
        model = services.training.wait(services.training.start(TEXT, options={**OPTIONS, **changes}).id)
        session.model_id = model.id
        view = shown_view(session)
        update_until(session, lambda: "Write" in actions(view))
        return view

    return show_completed


def test_a_training_that_improved_until_its_end_can_be_continued(show_completed: Callable[..., TrainingView]) -> None:
    view = show_completed(**IMPROVES)
    assert "Train longer" in actions(view)
    assert "more time would help" in html(view)


def test_a_training_that_stopped_improving_cannot_be_continued(show_completed: Callable[..., TrainingView]) -> None:
    view = show_completed(**STOPS_IMPROVING)
    assert actions(view) == {"Start over", "Write"}
    assert "Stopped improving; best model at step" in html(view)
    assert "A longer text would help" in html(view)
    assert view.session.model.step < 500


def test_without_a_model_a_placeholder_says_what_to_do(session: Session) -> None:
    view = shown_view(session)
    session.update()
    assert "No model chosen" in html(view)
    press(view, "New model")
    assert session.tab == "text"


def test_a_completed_training_can_be_continued_or_started_over(view: TrainingView, trained: TrainedHome) -> None:
    assert actions(view) == {"Train longer", "Start over", "Write"}
    shown = html(view)
    assert "8 of 8" in shown
    assert 'aria-valuenow="100.0"' in shown
    assert '<h2 dir="auto">ducks</h2>' in shown
    press(view, "Write")
    assert view.session.tab == "write"


def test_starting_over_asks_for_confirmation(view: TrainingView) -> None:
    press(view, "Start over")
    assert actions(view) == {"Train longer", "Discard and retrain", "Write"}
    session = view.session
    before = session.model.epoch
    press(view, "Discard and retrain")
    update_until(session, lambda: session.model.epoch > before and session.model.state == ModelState.COMPLETED)
    update_until(session, lambda: actions(view) == {"Train longer", "Start over", "Write"})


def test_training_longer_doubles_the_steps(view: TrainingView) -> None:
    session = view.session
    press(view, "Train longer")
    update_until(session, lambda: session.model.state == ModelState.COMPLETED and session.model.step == 16)
    assert "16 of 16" in html(view)


def test_a_training_is_started_stopped_and_resumed(session: Session, services: Services) -> None:
    corpus, _ = services.corpora.add(TEXT, name="ducks")
    model = services.models.create("ducks", corpus=corpus, options=OPTIONS | {"max_steps": 1_000_000})
    session.model_id = model.id
    view = shown_view(session)
    update_until(session, lambda: actions(view) == {"Start"})
    press(view, "Start")
    assert control(view, "Start").disabled
    update_until(session, lambda: actions(view) == {"Stop", "Write"})
    assert re.search(r"[\d,]+ of 1,000,000", html(view))
    press(view, "Stop")
    update_until(session, lambda: actions(view) >= {"Resume", "Start over"})
    assert session.model.state == ModelState.STOPPED
    press(view, "Resume")
    update_until(session, lambda: "Stop" in actions(view))
    services.training.stop(model.id)
    services.training.wait(model.id)


@pytest.fixture
def slot(services: Services) -> Iterator[OccupiedSlot]:
    """The only slot of the machine, which is occupied."""
    services.training.launcher.forecast.capacity = Capacity(trainings=1)
    with occupied_slot(services) as slot:
        yield slot


def test_a_training_beyond_the_capacity_shows_its_place_and_starts_by_itself(
    session: Session, services: Services, slot: OccupiedSlot
) -> None:
    model = services.training.start(TEXT, name="<b>ducks", options=OPTIONS)
    session.model_id = model.id
    view, library = shown_view(session), ModelsView(session)
    session.on_update(library.update)
    update_until(session, lambda: "Waiting, 1st in line, starts in about " in html(view))
    assert actions(view) == {"Cancel"}
    assert "TensorFlow is loading" not in html(view)
    update_until(session, lambda: library.table.rows)
    [row] = [row for row in library.table.rows if row["id"] == model.id]
    assert row["shown_state"].startswith("Waiting, 1st in line")
    slot.release()
    update_until(session, lambda: session.model.state == ModelState.COMPLETED)
    update_until(session, lambda: "8 of 8" in html(view))
    assert "in line" not in html(view)


def test_waiting_trainings_are_moved_and_cancelled(session: Session, services: Services, slot: OccupiedSlot) -> None:
    first, second = (services.training.start(TEXT, name=name, options=OPTIONS) for name in ("geese", "ducks"))
    session.model_id = second.id
    view = shown_view(session)
    update_until(session, lambda: "Waiting, 2nd in line" in html(view))
    assert actions(view) == {"Cancel", "Move up", "Move down"}
    press(view, "Move up")
    update_until(session, lambda: "Waiting, 1st in line" in html(view))
    press(view, "Move down")
    update_until(session, lambda: "Waiting, 2nd in line" in html(view))
    services.queue.cancel(first.id)
    update_until(session, lambda: actions(view) == {"Cancel"})
    press(view, "Cancel")
    update_until(session, lambda: actions(view) == {"Start"})
    assert session.model.state == ModelState.READY


def test_the_error_of_a_failed_training_is_shown_as_text(session: Session, services: Services) -> None:
    corpus, _ = services.corpora.add(TEXT, name="<b>ducks")
    model = services.models.create("<b>ducks", corpus=corpus, options=OPTIONS | {"num_seqs": 1000})
    session.model_id = model.id
    view = shown_view(session)
    update_until(session, lambda: actions(view) == {"Start"})
    press(view, "Start")
    update_until(session, lambda: session.notice[1] or (session.model and session.model.error))
    assert "&lt;b&gt;ducks" in html(view)
    assert "<b>ducks" not in html(view)
    update_until(session, lambda: not control(view, "Start").disabled)


def test_a_deleted_model_is_replaced_by_the_placeholder(view: TrainingView) -> None:
    session = view.session
    session.services.models.delete(session.model_id)
    update_until(session, lambda: not session.model_id)
    session.update()
    assert "No model chosen" in html(view)


@pytest.mark.parametrize(("speed", "shown"), [(None, "<dt>Time left"), (1234.5, "1,234 characters/s")])
def test_defect_the_time_left_is_shown_before_the_speed_is_known(
    trained: TrainedHome, speed: float | None, shown: str
) -> None:
    """A time limit says when a training ends before its second step does; the page failed in between."""
    running = replace(trained.model, state=ModelState.TRAINING)
    head = headline(running, ProgressEstimate(step=1, total=7, characters_per_second=speed, seconds_left=40))
    assert shown in head
    assert "<dt>Time left</dt><dd>40 s" in head
