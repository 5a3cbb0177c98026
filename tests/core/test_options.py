"""Tests of options: defaults, presets, validation and messages."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from charrnn.core.errors import OptionError
from charrnn.core.options import checked, defaults, options, preset, presets, schema, table

KINDS = ["training", "sampling"]


def test_schema_is_valid_draft_2020_12():
    for kind in KINDS:
        Draft202012Validator.check_schema(schema()["$defs"][kind])


def test_defaults_of_the_article_are_unchanged():
    article = dict(
        num_seqs=32,
        num_steps=50,
        lstm_size=128,
        num_layers=2,
        use_embedding=False,
        embedding_size=128,
        learning_rate=0.001,
        train_keep_prob=0.5,
        max_steps=1000,
        save_every_n=1000,
        log_every_n=100,
        max_vocab=3500,
    )
    assert article.items() <= defaults("training").items()
    assert article.items() <= preset("article").items()


@pytest.mark.parametrize("kind", KINDS)
def test_every_default_is_valid(kind):
    assert checked(kind, {}) == defaults(kind)


FIXED = [name for name, entry in presets().items() if not entry.minutes]
"""Presets whose options are the same for every text."""


@pytest.mark.parametrize("name", FIXED)
def test_every_preset_is_valid(name):
    assert checked("training", preset(name)) == preset(name)


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_is_documented_and_bounded(kind):
    for option in options(kind).values():
        assert option.title and option.help.endswith(".") and option.group
        if option.type in ("integer", "number"):
            assert option.minimum is not None and option.maximum is not None and option.step
        if option.type == "string":
            assert option.choices or option.max_characters


def test_strings_are_converted_to_values():
    values = checked("training", {"num_seqs": "7", "learning_rate": "1e-2", "use_embedding": "false", "max_steps": 5.0})
    assert values["num_seqs"] == 7 and values["learning_rate"] == 0.01
    assert values["use_embedding"] is False and values["max_steps"] == 5 and isinstance(values["max_steps"], int)


def test_defect_2_the_string_false_means_false():
    assert checked("training", {"use_embedding": "false"})["use_embedding"] is False


@pytest.mark.parametrize("name", ["lstm_size", "num_layers", "learning_rate", "train_keep_prob"])
def test_defect_12_zero_is_rejected_where_it_prevents_training(name):
    with pytest.raises(OptionError, match=rf"\({name}\) is 0; it must be"):
        checked("training", {name: 0})


@pytest.mark.parametrize(
    "bad", [math.nan, math.inf, -math.inf, 10**400, -(10**400), "nan", "inf", "1e999", None, [1], True]
)
@pytest.mark.parametrize("name", ["learning_rate", "num_seqs", "max_minutes"])
def test_non_finite_numbers_are_rejected(name, bad):
    with pytest.raises(OptionError, match=f"{name}.*must be a") as caught:
        checked("training", {name: bad})
    assert len(str(caught.value)) < 300


def test_fractional_integers_are_rejected():
    with pytest.raises(OptionError, match=r"Steps \(max_steps\) is 1.5; it must be a whole number between 1 and"):
        checked("training", {"max_steps": 1.5})


def test_all_problems_are_reported_at_once_by_name():
    with pytest.raises(OptionError) as caught:
        checked("training", {"num_seqs": -1, "cell": "transformer", "lerning_rate": 0.1})
    assert set(caught.value.problems) == {"num_seqs", "cell", "lerning_rate"}
    assert "did you mean 'learning_rate'?" in caught.value.problems["lerning_rate"]
    assert "one of lstm, gru, rnn, mingru" in caught.value.problems["cell"]


def test_unknown_preset_gets_a_suggestion():
    with pytest.raises(OptionError, match="Unknown preset 'quik' \\(did you mean 'quick'\\?\\)"):
        preset("quik")


@pytest.mark.parametrize("name", ["auto", "quick", "best"])
def test_presets_that_depend_on_the_text_have_minutes_instead_of_values(name):
    assert presets()[name].minutes > 0 and not presets()[name].values
    with pytest.raises(OptionError, match="depend on the text"):
        preset(name)


def test_quick_and_best_are_auto_with_two_and_fifteen_minutes():
    assert (presets()["quick"].minutes, presets()["best"].minutes) == (2, 15)


def test_base_applies_to_options_without_a_value():
    values = checked("training", {"max_steps": 3}, base=preset("karpathy"))
    assert values["optimizer"] == "rmsprop" and values["max_steps"] == 3


def test_keep_probability_is_not_described_as_a_dropout_rate():
    assert "keeping" in options("training")["train_keep_prob"].help


json_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_accepted_values_match_the_schema_and_round_trip_through_json(kind, data):
    name = data.draw(st.sampled_from(sorted(options(kind))))
    value = data.draw(json_values)
    try:
        accepted = checked(kind, {name: value})
    except OptionError as error:
        assert set(error.problems) == {name}
    else:
        assert Draft202012Validator(schema()["$defs"][kind]).is_valid(accepted)
        assert json.loads(json.dumps(accepted, allow_nan=False)) == accepted
        assert checked(kind, accepted) == accepted


@pytest.mark.parametrize("kind", KINDS)
def test_table_lists_every_option_once(kind):
    lines = table(kind).splitlines()
    assert [line.split("`")[1] for line in lines[2:]] == list(options(kind))


@pytest.mark.parametrize("cell", options("training")["cell"].choices)
def test_every_cell_works_with_every_preset(cell):
    for name in FIXED:
        assert checked("training", {"cell": cell}, base=preset(name))["cell"] == cell


def test_karpathy_preset_has_the_defaults_of_char_rnn():
    values = preset("karpathy")
    assert (values["num_seqs"], values["num_steps"], values["lstm_size"], values["num_layers"]) == (50, 50, 128, 2)
    assert (values["optimizer"], values["learning_rate"], values["train_keep_prob"]) == ("rmsprop", 0.002, 1)
    assert (values["lr_schedule"], values["lr_decay"], values["lr_decay_after"]) == ("decay", 0.97, 10)
    assert (values["clip_by"], values["grad_clip"], values["max_epochs"], values["init"]) == (
        "value",
        5,
        50,
        "karpathy",
    )


def test_every_preset_is_documented():
    for name, entry in presets().items():
        assert entry.title and entry.help.endswith("."), name


@pytest.mark.parametrize("kind", KINDS)
def test_bounds_are_inclusive(kind):
    for option in options(kind).values():
        for bound, beyond in ((option.minimum, -1), (option.maximum, 1)):
            if bound is None:
                continue
            assert checked(kind, {option.name: bound})[option.name] == bound
            outside = bound + beyond if option.type == "integer" else math.nextafter(bound, beyond * math.inf)
            with pytest.raises(OptionError):
                checked(kind, {option.name: outside})


@pytest.mark.parametrize(
    ("text", "expected"), [("true", True), ("YES", True), (" 1 ", True), ("No", False), ("0", False), ("False", False)]
)
def test_booleans_have_several_spellings(text, expected):
    assert checked("training", {"use_embedding": text})["use_embedding"] is expected


@pytest.mark.parametrize("word", ["", "maybe", "2", "falsch"])
def test_invalid_booleans_are_rejected(word):
    with pytest.raises(OptionError, match=r"\(use_embedding\) is '.*'; it must be true or false"):
        checked("training", {"use_embedding": word})


def test_integers_can_have_an_exponent():
    assert checked("training", {"max_steps": "1e3"})["max_steps"] == 1000


def test_string_options_are_not_converted():
    assert checked("sampling", {"start_string": "1e3", "stop": "0"})["start_string"] == "1e3"


def test_overlong_string_is_rejected_without_repeating_it():
    with pytest.raises(OptionError, match="a text of at most 1,000 characters") as caught:
        checked("sampling", {"stop": "x" * 1001})
    assert len(str(caught.value)) < 200
