"""Options of a new model, without a browser."""

from typing import Any

import pytest

from charrnn.core.batches import min_length
from charrnn.core.options import preset
from dashboard.live.session import Session, Work
from dashboard.views.new_model import OptionsView, fitting
from tests.support.waiting import wait_until


@pytest.fixture
def view(session: Session) -> OptionsView:
    session.corpus_id = session.services.corpora.add("so many ducks\n" * 31, name="ducks")[0].id
    view = OptionsView(session)
    wait_until(lambda: session.drain() or view._cost.object)
    return view


def chosen(view: OptionsView, **changes: Any) -> dict[str, Any]:
    """Return what Auto chooses for the view's text."""
    arguments: dict[str, Any] = {"preset": "auto", "minutes": 5, "options": {}} | changes
    return view._session.services.training.options_for(view._corpus, **arguments)


def settled(view: OptionsView) -> None:
    """Wait until the form shows a choice and what it costs."""
    view._cost.object = ""
    wait_until(lambda: view._session.drain() or view._cost.object)


def test_a_new_model_begins_with_auto_and_five_minutes(view: OptionsView) -> None:
    assert view._form.values == chosen(view)
    assert view._form.values["max_minutes"] == 5
    assert "Takes about" in view._cost.object
    assert not view._train.disabled


def test_another_time_chooses_anew(view: OptionsView) -> None:
    view._minutes.value = "60"
    assert view._train.disabled
    settled(view)
    assert view._form.values == chosen(view, minutes=60)
    assert not view._train.disabled


def test_any_time_can_be_typed(view: OptionsView) -> None:
    view._minutes.value = ""
    assert view._own_minutes.visible
    view._own_minutes.value = "2.5"
    settled(view)
    assert view._form.values["max_minutes"] == 2.5


@pytest.mark.parametrize("wrong", ["soon", "0", "-1", "nan", "1e999", "1000000"])
def test_a_time_that_is_none_is_told_at_its_field(view: OptionsView, wrong: str) -> None:
    view._minutes.value = ""
    view._own_minutes.value = wrong
    wait_until(lambda: view._session.drain() or view._own_minutes.error_state)
    assert "minutes" in view._own_minutes.helper_text
    assert view._train.disabled
    view._minutes.value = "15"
    settled(view)
    assert not view._train.disabled


def test_what_the_user_has_set_stays_when_the_time_changes(view: OptionsView) -> None:
    view._form.fields["lstm_size"].value_input = "96"
    view._minutes.value = "15"
    settled(view)
    assert view._form.values == chosen(view, minutes=15, options={"lstm_size": 96})


def test_the_preset_best_is_auto_with_a_quarter_of_an_hour(view: OptionsView) -> None:
    view._preset.value = "best"
    settled(view)
    assert view._minutes.value == "15"
    assert view._form.values == chosen(view, minutes=15)


def test_a_text_that_is_too_short_is_said_and_mended_with_one_click(view: OptionsView, session: Session) -> None:
    view._preset.value = "article"
    settled(view)
    assert "The text has 434 characters" in view._cost.object
    assert view._train.disabled
    view._lower()
    wait_until(lambda: session.drain() or not view._fit.visible)
    assert (view._form.values["num_seqs"], view._form.values["num_steps"]) == (8, 50)
    assert "Takes about" in view._cost.object
    assert not view._train.disabled


@pytest.mark.parametrize("count", [2, 3, 40, 129, 434, 10**6])
def test_a_lowered_batch_fits_and_is_no_larger_than_wished(count: int) -> None:
    lower = fitting({"num_seqs": 32, "num_steps": 128}, count)
    assert min_length(**lower) <= count
    assert 1 <= lower["num_seqs"] <= 32
    assert 1 <= lower["num_steps"] <= 128


def test_a_mistake_keeps_the_button_from_being_pressed(view: OptionsView) -> None:
    view._form.fields["learning_rate"].value_input = "fast"
    assert view._train.disabled


def test_defect_a_cost_that_comes_late_allows_no_training_with_a_mistake(view: OptionsView, session: Session) -> None:
    view._lower()
    view._form.fields["num_layers"].value_input = "99"
    wait_until(lambda: session._inbox)
    session.drain()
    assert view._train.disabled


def test_defect_a_cost_that_comes_late_allows_no_second_start(
    view: OptionsView, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = session.run
    start = Work()
    monkeypatch.setattr(session, "run", lambda *call: start if call[1] == view._started else real(*call))
    view._lower()
    view._train.clicks += 1
    wait_until(lambda: session._inbox)
    session.drain()
    assert view._train.disabled
    start.end()
    assert not view._train.disabled


def test_a_preset_fills_the_form(view: OptionsView) -> None:
    view._preset.value = "article"
    assert not view._minutes.visible
    assert view._form.values == preset("article")
    assert "2018 article" in view._about.object
