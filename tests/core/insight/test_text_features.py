"""Test which characters of a text each feature marks, in several scripts."""

import pytest

from charrnn.core.errors import OptionError
from charrnn.core.insight.grapheme_clusters import cluster_lengths
from charrnn.core.insight.text_features import FEATURES, feature_named


def marked(key, text):
    """Return the text with a dot for each character where the feature is off."""
    return "".join(c if on else "·" for c, on in zip(text, FEATURES[key].values(text), strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('He said "no" again', "·········no·······"),
        ("“Oh ‘dear’ me,” she", "·Oh ‘dear’ me,·····"),
        ("„Ja“, sagte er", "·Ja···········"),
        ("« Oui », dit", "· Oui ······"),
        ("»Ja«, »nein«", "·Ja····nein·"),
        ("我说「好」了", "···好··"),
        ("「はい『え』です」", "·はい『え』です·"),
        ("قال «نعم» ثم", "·····نعم····"),
        (r'x = "a\"b";', r"·····a\"b··"),
        ("it’s ‘don’t’ so", "······don’t····"),
    ],
)
def test_quotes_of_a_script_are_recognized(text, expected):
    assert marked("quotes", text) == expected


def test_a_blank_line_ends_a_quotation_that_was_not_closed():
    assert marked("quotes", 'a "bc\n\nd "e" f') == "···bc\n····e···"


def test_a_text_that_begins_inside_a_quotation_does_not_turn_the_others_inside_out():
    text = 'end," he said.\n\n"Yes," she said.\n\n"No," he said.'
    assert "Yes," in marked("quotes", text)
    assert "she" not in marked("quotes", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a (b [c] d) e", "···b [c] d···"),
        ("漢字（かな）だ", "···かな··"),
        ("《书》读", "·书··"),
        ("1) one 2) two", "·" * 13),
    ],
)
def test_brackets_of_a_script_are_recognized(text, expected):
    assert marked("brackets", text) == expected


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("column", "ab\n\nc", [1, 2, 0, 0, 1]),
        ("word", "It is é!", [1, 2, 0, 1, 2, 0, 1, 0]),
        ("word", "e\u0301a b", [1, 2, 3, 0, 1]),  # a combining accent belongs to its letter
        ("word", "كِتاب", [1, 2, 3, 4, 5]),  # as does an Arabic vowel mark
        ("indentation", "a\n  b c\n\td", [0, 0, 1, 2, 2, 2, 2, 0, 1, 1]),
        ("previous_line", "abc\nd\ne", [0, 0, 0, 3, 3, 1, 1]),
    ],
)
def test_graded_features_count(key, text, expected):
    assert FEATURES[key].values(text) == expected


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("first_word", "  ab cd\nef, g", "  ab····ef···"),
        ("upper_words", "ROMEO: I am", "·OMEO······"),
        ("capitals", "Ab ЖÉ", "A··ЖÉ"),
        ("numbers", "a 12 ٣", "··12·٣"),
        ("emoji", "a👩‍👧b🇩🇪c🙂", "··\u200d👧··🇪··"),
    ],
)
def test_yes_no_features_mark_characters(key, text, expected):
    assert marked(key, text) == expected


@pytest.mark.parametrize("key", FEATURES)
def test_features_depend_only_on_the_text_so_far(key):
    """Except the choice among quotation marks, which this text does not need."""
    text = 'Ab (c "d" E)\n\n  FG 12 “h” 👩‍👧 ij\nklm'
    values = FEATURES[key].values(text)
    for end in (13, 20, len(text)):
        assert list(FEATURES[key].values(text[:end])) == list(values[:end]), end


def test_sequences_that_are_displayed_as_one_character_are_kept_together():
    assert cluster_lengths("e\u0301👩‍👧🇩🇪🇫🇷👍🏽x\n\u0301") == [2, 3, 2, 2, 2, 1, 1, 1]


def test_an_unknown_feature_is_rejected_with_a_suggestion():
    with pytest.raises(OptionError, match="no feature 'qoutes'; did you mean quotes?"):
        feature_named("qoutes")
