"""Forms generated from the options schema."""

import json

import param
import pytest

from charrnn.core.errors import OptionError
from charrnn.core.options import defaults, options, preset
from dashboard.components.option_form import OptionForm, options_class


@pytest.mark.parametrize("kind", ["training", "sampling"])
def test_the_param_class_has_every_option_with_its_bounds_and_help(kind) -> None:
    parameters = options_class(kind).param
    for name, option in options(kind).items():
        parameter = parameters[name]
        assert (parameter.default, parameter.label, parameter.doc) == (option.default, option.title, option.help)
        if option.type in ("integer", "number"):
            assert (parameter.bounds, parameter.step) == ((option.minimum, option.maximum), option.step)
        if option.choices:
            assert tuple(parameter.objects) == option.choices


def test_the_param_class_rejects_what_the_schema_rejects() -> None:
    with pytest.raises(ValueError, match="num_layers"):
        options_class("training")(num_layers=9)


def test_a_form_starts_with_the_defaults() -> None:
    assert OptionForm("training").values == defaults("training")


def test_every_preset_fits_the_form() -> None:
    form = OptionForm("training")
    form.fill(preset("karpathy"))
    assert form.values == preset("karpathy")
    assert form.fields["learning_rate"].value == "0.002"


def test_an_error_is_shown_at_its_field_only() -> None:
    form = OptionForm("training")
    form.fields["num_layers"].value_input = "12"
    field = form.fields["num_layers"]
    assert field.error_state
    assert field.helper_text == form.errors["num_layers"]
    assert "it must be a whole number between 1 and 8" in field.helper_text
    assert form.values["num_layers"] == 2
    assert not form.fields["lstm_size"].error_state


def test_a_corrected_value_clears_its_error() -> None:
    form = OptionForm("training")
    for typed in ("1.5", "many", "4"):
        form.fields["num_layers"].value_input = typed
    assert (form.errors, form.fields["num_layers"].helper_text, form.values["num_layers"]) == ({}, "", 4)


def test_filling_a_form_clears_its_errors() -> None:
    form = OptionForm("training")
    form.fields["seed"].value_input = "x"
    form.fill({"seed": 7})
    assert (form.errors, form.fields["seed"].error_state, form.fields["seed"].value) == ({}, False, "7")


def test_a_form_rejects_invalid_values() -> None:
    form = OptionForm("training")
    with pytest.raises(OptionError):
        form.fill({"num_layers": 3, "cell": "elman"})
    assert form.values == defaults("training")


def test_each_change_calls_the_callback_once() -> None:
    form, told = OptionForm("training"), []
    form.on_change(lambda: told.append(form.values["seed"]))
    form.fields["seed"].value_input = "11"
    form.fill({"seed": 13})
    assert told == [11, 13]


def test_sliders_have_the_range_of_the_schema() -> None:
    slider = OptionForm("sampling", sliders=True).fields["max_length"]
    assert (slider.start, slider.end, slider.step) == (50, 5000, 100)


@pytest.mark.parametrize("kind", ["training", "sampling"])
def test_every_field_has_its_help(kind) -> None:
    for name, field in OptionForm(kind, sliders=kind == "sampling").fields.items():
        assert json.dumps(options(kind)[name].help, ensure_ascii=False) in field.stylesheets[-1]


def test_two_forms_share_nothing() -> None:
    one, other = OptionForm("training"), OptionForm("training")
    one.fields["seed"].value_input = "5"
    assert other.values["seed"] == defaults("training")["seed"]
    assert isinstance(one.options, param.Parameterized)


@pytest.mark.parametrize(("typed", "value"), [("0,004", 0.004), (",5", 0.5), ("0,25", 0.25), ("0.125", 0.125)])
def test_numbers_may_have_a_decimal_comma(typed: str, value: float) -> None:
    form = OptionForm("training")
    form.fields["learning_rate"].value_input = typed
    assert (form.values["learning_rate"], form.errors) == (value, {})


def test_a_comma_that_may_separate_thousands_is_an_error() -> None:
    form = OptionForm("sampling")
    form.fields["temperature"].value_input = "1,000"
    assert "temperature" in form.errors
