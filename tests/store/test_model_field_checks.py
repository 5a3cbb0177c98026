"""Tests of the names, tags and notes of models."""

import pytest

from charrnn.core.errors import OptionError
from charrnn.store.model_field_checks import validate_name, validate_notes, validate_tags


@pytest.mark.parametrize("name", ["x", "Faust II", "红楼梦", "👩‍👩‍👧", "a" * 200, "❤️", "../../etc", "' or 1=1 --"])
def test_any_visible_line_is_a_valid_name(name):
    assert validate_name(name) == name


def test_name_is_stripped_and_normalized():
    assert validate_name(" \t cafe\u0301\n") == "caf\u00e9"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "The name is empty. Enter 1 to 200 characters"),
        ("   ", "The name is empty"),
        ("\u200b", "The name is empty"),
        ("a\nb", r"Character 2 of the name 'a\\nb' is U\+000A, which cannot be displayed in one line. Remove it"),
        ("a\0", r"Character 2 of the name .* is U\+0000"),
        ("a\ud800", r"Character 2 of the name 'a\\ud800' is U\+D800"),
        ("b" * 201, "has 201 characters; at most 200 fit. Shorten it"),
    ],
)
def test_invalid_names_are_rejected(name, message):
    with pytest.raises(OptionError, match=message) as caught:
        validate_name(name)
    assert caught.value.problems.keys() == {"name"}
    str(caught.value).encode()


def test_tags_are_deduplicated_in_order():
    assert validate_tags([" poems", "de", "poems "]) == ["poems", "de"]


@pytest.mark.parametrize(
    ("tags", "message"),
    [(["ok", " "], "The tag is empty"), (["x" * 51], "51 characters"), (map(str, range(21)), "There are 21 tags")],
)
def test_invalid_tags_are_rejected(tags, message):
    with pytest.raises(OptionError, match=message):
        validate_tags(tags)


def test_notes_can_have_several_lines_but_are_limited_in_length():
    assert validate_notes("a\nb") == "a\nb"
    with pytest.raises(OptionError, match="The notes have 100,001 characters; at most 100,000 fit. Shorten them"):
        validate_notes("x" * 100_001)
