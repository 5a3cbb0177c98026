"""What a model may be called."""

import pytest

from charrnn.core.errors import OptionError
from charrnn.store.model_names import checked_name, checked_notes, checked_tags


@pytest.mark.parametrize("name", ["x", "Faust II", "红楼梦", "👩‍👩‍👧", "a" * 200, "❤️", "../../etc", "' or 1=1 --"])
def test_whatever_can_be_seen_in_a_line_is_a_name(name):
    assert checked_name(name) == name


def test_blanks_around_a_name_are_dropped_and_accents_composed():
    assert checked_name(" \t cafe\u0301\n") == "caf\u00e9"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "The name is empty. Give it 1 to 200 characters"),
        ("   ", "The name is empty"),
        ("\u200b", "The name is empty"),
        ("a\nb", r"'a\\nb' has U\+000A as character 2, which cannot be shown in a line. Leave it out"),
        ("a\0", r"U\+0000 as character 2"),
        ("a\ud800", r"'a\\ud800' has U\+D800 as character 2"),
        ("b" * 201, "has 201 characters; up to 200 are allowed. Shorten it"),
    ],
)
def test_other_names_are_refused(name, message):
    with pytest.raises(OptionError, match=message) as caught:
        checked_name(name)
    assert caught.value.problems.keys() == {"name"}
    str(caught.value).encode()


def test_tags_are_kept_once_in_their_order():
    assert checked_tags([" poems", "de", "poems "]) == ["poems", "de"]


@pytest.mark.parametrize(
    ("tags", "message"),
    [(["ok", " "], "The tag is empty"), (["x" * 51], "51 characters"), (map(str, range(21)), "There are 21 tags")],
)
def test_other_tags_are_refused(tags, message):
    with pytest.raises(OptionError, match=message):
        checked_tags(tags)


def test_notes_have_lines_but_an_end():
    assert checked_notes("a\nb") == "a\nb"
    with pytest.raises(OptionError, match="The notes have 100,001 characters; up to 100,000 can be kept. Shorten them"):
        checked_notes("x" * 100_001)
