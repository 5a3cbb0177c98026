"""Test combining a time budget, a preset and individual options."""

from pathlib import Path

import pytest

from charrnn.core.errors import OptionError, StateError
from charrnn.core.options import checked, defaults, preset
from charrnn.core.records import ModelState
from charrnn.core.training_events import Event, SchedulePlanned
from charrnn.core.training_outcome import Remedy
from charrnn.model.training.checkpoint import load
from charrnn.services import Services
from charrnn.services.training_options import training_options
from tests.support.small_training import OPTIONS, TEXT, Trained

SIZES = {"num_characters": 20_000, "num_distinct": 60}


def test_options_have_their_defaults_without_minutes_and_preset() -> None:
    assert training_options({"num_seqs": "3"}, **SIZES) == defaults("training") | {"num_seqs": 3}


def test_minutes_alone_select_auto() -> None:
    values = training_options({}, **SIZES, minutes="2")
    assert values == training_options({}, **SIZES, preset_name="auto", minutes=2)
    assert values["max_minutes"] == 2 and values["fit_steps"]


@pytest.mark.parametrize(("name", "minutes"), [("auto", 5), ("quick", 2), ("best", 15)])
def test_a_preset_has_its_own_time_budget(name: str, minutes: float) -> None:
    assert training_options({}, **SIZES, preset_name=name) == training_options({}, **SIZES, minutes=minutes)


def test_max_minutes_is_the_time_budget_of_a_preset() -> None:
    values = training_options({"max_minutes": 1}, **SIZES, preset_name="best")
    assert values == training_options({}, **SIZES, minutes=1)


def test_fixed_presets_do_not_depend_on_the_text() -> None:
    assert training_options({"num_seqs": 3}, **SIZES, preset_name="karpathy") == preset("karpathy") | {"num_seqs": 3}


def test_fixed_presets_reject_minutes() -> None:
    with pytest.raises(OptionError, match="the same options for every time budget"):
        training_options({}, **SIZES, preset_name="article", minutes=5)


@pytest.mark.parametrize("minutes", ["soon", "", "0", "-5", "nan", "inf", "1e6", 0, float("nan")])
def test_invalid_minutes_are_rejected(minutes: str | float) -> None:
    with pytest.raises(OptionError, match="inutes"):
        training_options({}, **SIZES, minutes=minutes)


def test_options_chosen_by_auto_are_stored_as_plain_values(services: Services) -> None:
    small = {name: OPTIONS[name] for name in ("cell", "lstm_size", "num_layers", "num_seqs", "num_steps")}
    corpus = services.corpora.add(TEXT, name="ducks")[0]
    options = services.training.options_for(corpus, minutes=5, options=small | {"max_steps": 3})
    model = services.training.start(corpus, minutes=5, options=small | {"max_steps": 3})
    assert model.train_params == options == checked("training", options)
    assert services.training.wait(model.id).state == ModelState.COMPLETED


def test_max_steps_is_replaced_by_the_fitted_end(services: Services) -> None:
    events: list[Event] = []
    changes = {"fit_steps": True, "max_minutes": 0.4, "max_steps": 1_000_000, "lr_hold": 1, "max_epochs": 4}
    model = services.training.start(TEXT, options={**OPTIONS, **changes}, listeners=[events.append])
    model = services.training.wait(model.id)
    ends = [event.total_steps for event in events if isinstance(event, SchedulePlanned)]
    assert model.state == ModelState.COMPLETED
    assert model.train_params == checked("training", {**OPTIONS, **changes, "max_steps": ends[-1]})
    [newest] = [c for c in services.models.checkpoints(model.id) if (c.kind, c.step) == ("last", model.step)]
    folder: Path = services.training.launcher.checkpoints.path(newest)
    assert load(folder, with_training=False).options == model.train_params


def test_a_training_ended_by_its_time_limit_resumes_with_more_minutes(services: Services) -> None:
    changes = {"fit_steps": True, "max_minutes": 0.05, "lr_hold": 1}
    model = services.training.wait(services.training.start(TEXT, options={**OPTIONS, **changes}).id)
    with pytest.raises(StateError, match="or max_minutes 0.1"):
        services.training.resume(model.id)
    longer = services.training.resume(model.id, options={"max_minutes": 0.2})
    assert services.training.wait(longer.id).step > model.step


def test_only_a_completed_training_has_an_outcome(services: Services, trained: Trained) -> None:
    corpus = services.corpora.add(TEXT, name="ducks")[0]
    model = services.models.create("draft", corpus=corpus, options=OPTIONS)
    assert services.training.outcome(model.id) is None
    outcome = trained.services.training.outcome(trained.model.id)
    best = [c.step for c in trained.services.models.checkpoints(trained.model.id) if c.kind == "best"]
    assert outcome is not None and [outcome.best_step] == best


def test_a_training_that_stops_improving_ends_and_gives_advice(services: Services) -> None:
    changes = {"learning_rate": 1, "optimizer": "rmsprop", "max_steps": 500, "eval_every_n": 1, "patience": 3}
    model = services.training.wait(services.training.start(TEXT, options={**OPTIONS, **changes}).id)
    outcome = services.training.outcome(model.id)
    assert model.state == ModelState.COMPLETED and model.step < 500
    assert outcome is not None and outcome.stopped_improving and outcome.remedy == Remedy.TEXT
    lines = [line.text for line in services.models.lines(model.id)]
    [line] = [line for line in lines if line.startswith("stopped improving after ")]
    assert f"best model at step {outcome.best_step}:" in line
