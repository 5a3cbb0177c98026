"""Tests of values that some databases cannot store."""

import math

import pytest

from charrnn.core.errors import OptionError
from charrnn.store.column_types import MAX_TEXT_LENGTH, storable_json, storable_text


@pytest.mark.parametrize("text", ["", "plain", "é 😀 \u2028 \t\x07", "a" * MAX_TEXT_LENGTH])
def test_storable_text_is_not_changed(text):
    assert storable_text(text) == text


def test_nul_and_lone_surrogates_are_replaced():
    assert storable_text("a\0b\ud800c😀") == "a␀b\ufffdc😀"


def test_overlong_text_is_cut_with_a_note():
    assert storable_text("x" * (MAX_TEXT_LENGTH + 1234)) == "x" * MAX_TEXT_LENGTH + "… (1,234 more characters were cut)"


def test_text_inside_json_is_sanitized():
    assert storable_json({"a\ud800": ["b\0", {"c": ("\udfff",)}], "d": None}) == {
        "a\ufffd": ["b␀", {"c": ["\ufffd"]}],
        "d": None,
    }


def test_json_rejects_non_finite_numbers_by_name():
    with pytest.raises(OptionError, match="learning_rate is nan, but only finite numbers can be stored") as caught:
        storable_json({"learning_rate": math.nan, "stop": [1.5, math.inf], "seed": 7})
    assert caught.value.problems.keys() == {"learning_rate", "stop"}


def test_json_rejects_unknown_types():
    with pytest.raises(TypeError, match="seed contains a set, which is not a JSON value"):
        storable_json({"seed": {1}})
