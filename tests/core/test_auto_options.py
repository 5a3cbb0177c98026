"""Test the options that Auto chooses for a text, a time budget and a machine."""

import itertools
import math

import pytest

from charrnn.core.auto_options import (
    LONG_SECONDS,
    MIN_VALIDATION,
    MIN_VALIDATIONS,
    RECORDING_TIME,
    SHORT_SECONDS,
    SIZES,
    VALIDATION_TIME,
    auto_options,
)
from charrnn.core.batches import split
from charrnn.core.cadence import num_due
from charrnn.core.duration_estimate import EVALUATION_SPEEDUP, SAMPLE_SECONDS, SAVE_SECONDS, Speed, step_seconds
from charrnn.core.errors import OptionError
from charrnn.core.options import checked, options

SLOW, USUAL, FAST = (Speed(large=f * 1e11, small=f * 5e10, memory=f * 2e10) for f in (0.1, 1, 10))
LENGTHS = 2, 3, 17, 240, 5_000, 20_000, 120_000, 300_000, 1_115_394, 5_100_000, 20_000_000
MINUTES = 0.05, 1, 5, 15, 60, 600
CASES = list(itertools.product(LENGTHS, MINUTES, (SLOW, USUAL, FAST)))


def training_seconds(values, num_distinct, speed):
    return values["max_steps"] * step_seconds(values, num_distinct + 1, speed)


@pytest.mark.parametrize(("length", "minutes", "speed"), CASES)
def test_options_are_valid_for_every_text_time_and_machine(length, minutes, speed):
    values = auto_options(length, min(length, 70), minutes, speed)
    assert values == checked("training", values)
    parts = split(length, **{n: values[n] for n in ("val_fraction", "max_val_chars", "num_seqs", "num_steps")})
    assert parts.num_train >= 0.7 * length
    assert values["fit_steps"] and values["max_minutes"] == minutes


@pytest.mark.parametrize(("length", "minutes", "speed"), CASES)
def test_steps_fit_into_the_time_budget(length, minutes, speed):
    values = auto_options(length, min(length, 70), minutes, speed)
    assert training_seconds(values, min(length, 70), speed) <= 60 * minutes or values["max_steps"] == 1


def test_equal_arguments_give_equal_options():
    assert auto_options(120_000, 65, 5, USUAL) == auto_options(120_000, 65, 5, USUAL)


@pytest.mark.parametrize("length", [20_000, 300_000, 1_115_394, 20_000_000])
def test_more_time_or_a_faster_machine_never_gives_a_smaller_network(length):
    sizes = [auto_options(length, 70, minutes, USUAL)["lstm_size"] for minutes in (1, 5, 15, 60)]
    assert sizes == sorted(sizes)
    sizes = [auto_options(length, 70, 5, speed)["lstm_size"] for speed in (SLOW, USUAL, FAST)]
    assert sizes == sorted(sizes) and set(sizes) <= set(SIZES)


def test_a_longer_text_never_gets_a_smaller_network_batch_or_validation_split():
    chosen = [auto_options(length, 70, 600, FAST) for length in LENGTHS]
    for name in ("lstm_size", "num_seqs"):
        sizes = [values[name] for values in chosen]
        assert sizes == sorted(sizes), name
    validation_sizes = [
        split(length, **{n: values[n] for n in ("val_fraction", "max_val_chars", "num_seqs", "num_steps")}).num_val
        for length, values in zip(LENGTHS, chosen, strict=True)
    ]
    assert validation_sizes == sorted(validation_sizes)


@pytest.mark.parametrize(("length", "minutes", "speed"), CASES)
def test_recording_takes_a_small_share_of_the_time(length, minutes, speed):
    values = auto_options(length, min(length, 70), minutes, speed)
    steps, one_step = values["max_steps"], step_seconds(values, min(length, 70) + 1, speed)
    parts = split(length, **{n: values[n] for n in ("val_fraction", "max_val_chars", "num_seqs", "num_steps")})
    validation = one_step * parts.num_val / (EVALUATION_SPEEDUP * values["num_seqs"] * values["num_steps"])
    regular = steps // values["eval_every_n"] * validation
    seconds = max(steps * one_step, SHORT_SECONDS)
    if parts.num_val > MIN_VALIDATION:
        assert regular <= 1.1 * VALIDATION_TIME * seconds + 2 * validation
    else:  # the validation split has its minimum size, even if validations exceed their share
        assert (
            regular <= (MIN_VALIDATIONS + 1) * validation or regular <= 1.1 * VALIDATION_TIME * seconds + 2 * validation
        )
    for name, cost in (("sample_every_n", SAMPLE_SECONDS), ("save_every_n", SAVE_SECONDS)):
        assert steps // values[name] * cost <= 1.01 * RECORDING_TIME * seconds + cost
    if steps * one_step >= LONG_SECONDS and parts.num_val > MIN_VALIDATION:
        assert regular <= 0.01 * seconds


def test_validation_split_of_a_short_text_has_a_minimum_size_on_any_machine():
    for speed in (SLOW, USUAL, FAST):
        values = auto_options(20_000, 61, 5, speed)
        assert 1000 <= round(20_000 * values["val_fraction"]) <= 2000


def test_validations_are_frequent_enough_to_find_the_best_step():
    for length, minutes in itertools.product((5_000, 20_000, 120_000, 300_000), (1, 5, 60)):
        values = auto_options(length, 70, minutes, USUAL)
        assert num_due(values["max_steps"], values["eval_every_n"], "log") >= MIN_VALIDATIONS


def test_overrides_are_kept_and_the_other_options_match_them():
    default = auto_options(1_115_394, 65, 5, USUAL)
    changed = auto_options(1_115_394, 65, 5, USUAL, {"lstm_size": "640", "cell": "lstm", "train_keep_prob": 0.9})
    assert (changed["lstm_size"], changed["cell"], changed["train_keep_prob"]) == (640, "lstm", 0.9)
    assert changed["max_steps"] < default["max_steps"]


def test_max_steps_set_by_the_user_is_not_fitted_to_the_time():
    values = auto_options(20_000, 65, 5, USUAL, {"max_steps": 77})
    assert (values["max_steps"], values["fit_steps"]) == (77, False)


@pytest.mark.parametrize("name", options("training"))
def test_every_option_can_be_overridden(name):
    option = options("training")[name]
    value = option.choices[-1] if option.choices else option.minimum if option.minimum is not None else option.default
    assert auto_options(50_000, 65, 5, USUAL, {name: value})[name] == value


@pytest.mark.parametrize("minutes", [0, -1, math.nan, math.inf, 1e9])
def test_invalid_minutes_are_rejected(minutes):
    with pytest.raises(OptionError, match="minutes"):
        auto_options(1000, 20, minutes, USUAL)


def test_all_invalid_overrides_are_reported_at_once():
    with pytest.raises(OptionError) as caught:
        auto_options(1000, 20, 5, USUAL, {"cell": "lstn", "num_seqs": 0})
    assert set(caught.value.problems) == {"cell", "num_seqs"}


def test_ngrams_are_used_for_short_texts_only():
    assert [auto_options(length, 70, 5, USUAL)["ngram_order"] for length in (240, 120_000, 1_115_394)] == [7, 7, 0]
    assert auto_options(240, 70, 5, USUAL, {"ngram_order": 0})["ngram_order"] == 0
