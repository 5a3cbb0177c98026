"""The options of a new model, without a browser."""

from collections.abc import Callable
from typing import Any

import pytest

from charrnn.core.batches import shortest
from charrnn.core.options import preset
from dashboard.live.session import Session, Task
from dashboard.views.new_model import OptionsView, fitting
from tests.support.controls import control, fill, html, labels, press, update_until


@pytest.fixture
def view(session: Session) -> OptionsView:
    """The view for a text that is too short for the default preset."""
    session.corpus_id = session.services.corpora.add("so many ducks\n" * 31, name="ducks")[0].id
    view = OptionsView(session)
    session.on_update(view.update)
    update_until(session, lambda: "Adjust settings to fit" in labels(view))
    return view


def adjust(view: OptionsView) -> None:
    """Make the options fit the text, and wait for the estimate."""
    press(view, "Adjust settings to fit")
    update_until(view.session, lambda: "Estimated time" in html(view))


def test_a_new_model_starts_with_the_quick_preset(view: OptionsView) -> None:
    assert view.form.values == preset("quick")


def test_options_are_adjusted_to_a_short_text_with_one_click(view: OptionsView) -> None:
    assert "The text has 434 characters" in html(view)
    assert control(view, "Train").disabled
    adjust(view)
    assert "Adjust settings to fit" not in labels(view)
    assert (view.form.values["num_seqs"], view.form.values["num_steps"]) == (6, 64)
    assert not control(view, "Train").disabled


@pytest.mark.parametrize("count", [2, 3, 40, 129, 434, 10**6])
def test_an_adjusted_batch_fits_and_is_not_larger_than_before(count: int) -> None:
    adjusted = fitting({"num_seqs": 32, "num_steps": 128}, count)
    assert shortest(**adjusted) <= count
    assert 1 <= adjusted["num_seqs"] <= 32
    assert 1 <= adjusted["num_steps"] <= 128


def test_an_invalid_option_disables_the_train_button(view: OptionsView) -> None:
    adjust(view)
    fill(view, view.form.fields["learning_rate"].label, "fast")
    assert control(view, "Train").disabled


@pytest.fixture
def ended(session: Session, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Wait until everything that was started in the background from now on has ended."""
    started: list[Task] = []
    num_ended: list[None] = []
    run = session.run

    def recorded(*call: Any) -> Task:
        task = run(*call)
        started.append(task)
        task.on_end(lambda: num_ended.append(None))
        return task

    monkeypatch.setattr(session, "run", recorded)
    return lambda: update_until(session, lambda: started and len(num_ended) == len(started))


def test_defect_a_late_estimate_does_not_allow_a_training_with_an_invalid_option(
    view: OptionsView, ended: Callable[[], None]
) -> None:
    press(view, "Adjust settings to fit")
    fill(view, view.form.fields["num_layers"].label, "99")
    ended()
    assert control(view, "Train").disabled


def test_defect_a_late_estimate_does_not_allow_a_second_start(
    view: OptionsView, session: Session, ended: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    adjust(view)
    start = Task()
    with monkeypatch.context() as starting:
        starting.setattr(session, "run", lambda *call: start)
        press(view, "Train")
    fill(view, view.form.fields["seed"].label, "5")
    ended()
    assert control(view, "Train").disabled
    start.end()
    assert not control(view, "Train").disabled


def test_a_preset_fills_the_form(view: OptionsView) -> None:
    control(view, "Preset").value = "article"
    assert view.form.values == preset("article")
    assert "2018 article" in html(view)
