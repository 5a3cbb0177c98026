"""The options of a new model, without a browser."""

from collections.abc import Callable
from typing import Any

import pytest

from charrnn.core.batches import min_length
from charrnn.core.options import preset, presets
from dashboard.live.session import Session, Task
from dashboard.views.new_model import NewModelView, fitting
from tests.support.controls import choose, control, fill, html, labels, press, update_until


@pytest.fixture
def view(session: Session) -> NewModelView:
    """The view for a text that is too short for some presets, with the options that Auto has chosen."""
    session.corpus_id = session.services.corpora.add("so many ducks\n" * 31, name="ducks")[0].id
    view = NewModelView(session)
    session.on_update(view.update)
    update_until(session, lambda: "Estimated time" in html(view))
    press(view, "All settings")
    return view


def auto_options(view: NewModelView, **changes: Any) -> dict[str, Any]:
    """Return the options that Auto chooses for the text of the view."""
    arguments: dict[str, Any] = {"preset": "auto", "minutes": 5, "options": {}} | changes
    corpus = view.session.corpus
    assert corpus is not None
    return view.session.services.training.options_for(corpus, **arguments)


def wait_for_estimate(view: NewModelView) -> None:
    """Wait until the options are chosen and their cost is estimated."""
    view.cost.object = ""
    update_until(view.session, lambda: view.cost.object)


def use_article_preset(view: NewModelView) -> None:
    """Choose options that the text is too short for."""
    choose(view, "Preset", presets()["article"].title)
    update_until(view.session, lambda: "Adjust settings to fit" in labels(view))


def adjust(view: NewModelView) -> None:
    """Choose options that do not fit the text, make them fit, and wait for the estimate."""
    use_article_preset(view)
    press(view, "Adjust settings to fit")
    update_until(view.session, lambda: "Estimated time" in html(view))


def test_a_new_model_starts_with_auto_and_five_minutes(view: NewModelView) -> None:
    assert view.form.values == auto_options(view)
    assert view.form.values["max_minutes"] == 5
    assert not control(view, "Train").disabled


def test_options_are_chosen_again_when_the_time_changes(view: NewModelView) -> None:
    choose(view, "How long?", "1 hour")
    assert control(view, "Train").disabled
    wait_for_estimate(view)
    assert view.form.values == auto_options(view, minutes=60)
    assert not control(view, "Train").disabled


def test_a_custom_time_can_be_entered(view: NewModelView) -> None:
    assert not view.custom_minutes.visible
    choose(view, "How long?", "Custom")
    assert view.custom_minutes.visible
    view.custom_minutes.value = "2.5"
    wait_for_estimate(view)
    assert view.form.values["max_minutes"] == 2.5


@pytest.mark.parametrize("invalid", ["soon", "0", "-1", "nan", "1e999", "1000000"])
def test_an_invalid_time_is_an_error_at_its_field(view: NewModelView, invalid: str) -> None:
    choose(view, "How long?", "Custom")
    field = view.custom_minutes
    field.value = invalid
    update_until(view.session, lambda: field.error_state)
    assert "minutes" in field.helper_text
    assert control(view, "Train").disabled
    choose(view, "How long?", "15 minutes")
    wait_for_estimate(view)
    assert not control(view, "Train").disabled


def test_options_that_the_user_has_set_are_kept_when_the_time_changes(view: NewModelView) -> None:
    fill(view, view.form.fields["lstm_size"].label, "96")
    choose(view, "How long?", "15 minutes")
    wait_for_estimate(view)
    assert view.form.values == auto_options(view, minutes=15, options={"lstm_size": 96})


def test_the_preset_best_is_auto_with_15_minutes(view: NewModelView) -> None:
    choose(view, "Preset", presets()["best"].title)
    wait_for_estimate(view)
    assert control(view, "How long?").value == "15"
    assert view.form.values == auto_options(view, minutes=15)


def test_options_are_adjusted_to_a_short_text_with_one_click(view: NewModelView) -> None:
    use_article_preset(view)
    assert "The text has 434 characters" in html(view)
    assert control(view, "Train").disabled
    adjust(view)
    assert "Adjust settings to fit" not in labels(view)
    assert (view.form.values["num_seqs"], view.form.values["num_steps"]) == (8, 50)
    assert not control(view, "Train").disabled


@pytest.mark.parametrize("count", [2, 3, 40, 129, 434, 10**6])
def test_an_adjusted_batch_fits_and_is_not_larger_than_before(count: int) -> None:
    adjusted = fitting({"num_seqs": 32, "num_steps": 128}, count)
    assert min_length(**adjusted) <= count
    assert 1 <= adjusted["num_seqs"] <= 32
    assert 1 <= adjusted["num_steps"] <= 128


def test_an_invalid_option_disables_the_train_button(view: NewModelView) -> None:
    adjust(view)
    fill(view, view.form.fields["learning_rate"].label, "fast")
    assert control(view, "Train").disabled


@pytest.fixture
def ended(session: Session, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that waits for all tasks that were started since the test began."""
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
    view: NewModelView, ended: Callable[[], None]
) -> None:
    fill(view, view.form.fields["seed"].label, "5")
    fill(view, view.form.fields["num_layers"].label, "99")
    ended()
    assert control(view, "Train").disabled


def test_defect_a_late_estimate_does_not_allow_a_second_start(
    view: NewModelView, session: Session, ended: Callable[[], None], monkeypatch: pytest.MonkeyPatch
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


def test_a_preset_fills_the_form(view: NewModelView) -> None:
    choose(view, "Preset", presets()["article"].title)
    assert "How long?" not in labels(view)
    assert view.form.values == preset("article")
    assert "2018 article" in html(view)


def test_settings_are_shown_on_request(view: NewModelView) -> None:
    assert "Layers" in labels(view)
    press(view, "Hide settings")
    assert "Layers" not in labels(view)
    assert {"How long?", "Preset", "All settings"} <= labels(view)


def test_changed_settings_are_counted_and_can_be_reset(view: NewModelView) -> None:
    assert "Reset" not in labels(view)
    fill(view, "Layers", "3")
    fill(view, "Hidden units", "17")
    assert "Hide settings (2 changed)" in labels(view)
    press(view, "Reset")
    update_until(view.session, lambda: view.form.values == auto_options(view))
    assert "Hide settings" in labels(view)
    assert "Reset" not in labels(view)
