"""Values that not every database can hold."""

import math

import pytest

from charrnn.core.errors import OptionError
from charrnn.store.column_types import LONGEST_TEXT, storable_json, storable_text


@pytest.mark.parametrize("text", ["", "plain", "é 😀 \u2028 \t\x07", "a" * LONGEST_TEXT])
def test_ordinary_text_is_left_alone(text):
    assert storable_text(text) == text


def test_nul_and_lone_surrogates_are_replaced_visibly():
    assert storable_text("a\0b\ud800c😀") == "a␀b\ufffdc😀"


def test_of_an_endless_text_the_beginning_is_kept_and_the_rest_is_counted():
    assert storable_text("x" * (LONGEST_TEXT + 1234)) == "x" * LONGEST_TEXT + "… (1,234 more characters were cut)"


def test_text_inside_json_is_treated_too():
    assert storable_json({"a\ud800": ["b\0", {"c": ("\udfff",)}], "d": None}) == {
        "a\ufffd": ["b␀", {"c": ["\ufffd"]}],
        "d": None,
    }


def test_json_refuses_every_number_that_is_none_and_names_it():
    with pytest.raises(OptionError, match="learning_rate is nan, which is not a number that can be stored") as caught:
        storable_json({"learning_rate": math.nan, "stop": [1.5, math.inf], "seed": 7})
    assert caught.value.problems.keys() == {"learning_rate", "stop"}


def test_json_refuses_what_it_does_not_know():
    with pytest.raises(TypeError, match="seed holds a set, which is not a JSON value"):
        storable_json({"seed": {1}})
