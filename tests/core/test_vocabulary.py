"""Characters to ids and back, and what becomes of a prompt with characters that nobody read."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.core.errors import UnknownCharacters
from charrnn.core.vocabulary import Vocabulary

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)


@given(TEXTS, st.integers(1, 9))
def test_the_most_frequent_characters_come_first_and_ties_go_by_code_point(text: str, max_vocab: int) -> None:
    counts = Counter(text)
    expected = sorted(counts, key=lambda c: (-counts[c], ord(c)))[:max_vocab]
    assert Vocabulary.from_counts(counts, max_vocab).to_json() == expected


def test_defect_15_the_order_does_not_depend_on_the_order_of_counting() -> None:
    forwards = Vocabulary.from_counts(Counter("cabbage"), 3)
    backwards = Vocabulary.from_counts(Counter("egabbac"), 3)
    assert forwards.characters == backwards.characters == "abc"


@given(TEXTS)
def test_decoding_gives_back_what_was_encoded(text: str) -> None:
    vocabulary = Vocabulary.from_counts(Counter(text), len(text))
    assert vocabulary.decode(vocabulary.encode(text)) == text


@given(TEXTS, TEXTS)
def test_ids_equal_those_of_a_plain_loop(known: str, text: str) -> None:
    vocabulary = Vocabulary.from_counts(Counter(known), 5)
    place = {character: number for number, character in enumerate(vocabulary.to_json())}
    assert vocabulary.encode(text).tolist() == [place.get(character, len(vocabulary)) for character in text]


@pytest.mark.parametrize(
    ("size", "dtype"), [(255, np.uint8), (256, np.uint16), (65_535, np.uint16), (65_536, np.uint32)]
)
def test_ids_have_the_smallest_type_that_also_holds_the_unknown_one(size: int, dtype: type) -> None:
    vocabulary = Vocabulary("".join(map(chr, range(0x10000, 0x10000 + size))))
    ids = vocabulary.encode("a" + vocabulary.characters[-1])
    assert ids.dtype == vocabulary.dtype == dtype
    assert ids.tolist() == [size, size - 1]


def test_a_lone_surrogate_is_unknown_and_nothing_breaks() -> None:
    assert Vocabulary("ab").encode("a\udc80b").tolist() == [0, 2, 1]


def test_defect_14_the_unknown_symbol_has_no_character() -> None:
    vocabulary = Vocabulary("abc")
    with pytest.raises(ValueError, match="No character has the id 3; the known ids are 0 … 2"):
        vocabulary.decode([0, vocabulary.unknown_id])
    with pytest.raises(ValueError, match="the id -1"):
        vocabulary.decode([-1])


def test_nothing_decodes_to_nothing() -> None:
    assert Vocabulary("abc").decode([]) == ""
    assert Vocabulary("abc").encode("").tolist() == []


def test_a_vocabulary_survives_json() -> None:
    vocabulary = Vocabulary("\n 😀é")
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary


@pytest.mark.parametrize("stored", [None, "ab", ["ab"], [1], [], ["a", "a"]])
def test_what_is_no_vocabulary_is_refused(stored: object) -> None:
    with pytest.raises(ValueError, match="vocabulary"):
        Vocabulary.from_json(stored)  # type: ignore[arg-type]


def test_no_room_for_any_character_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one character"):
        Vocabulary.from_counts(Counter("abc"), 0)


def test_defect_14_a_prompt_with_unknown_characters_is_refused_naming_each_once() -> None:
    with pytest.raises(UnknownCharacters, match=r"2 character\(s\) that this model never saw: 'ž' '😀'. It knows 3"):
        Vocabulary("abc").normalize_prompt("ažb😀ž")


def test_unknown_characters_can_be_dropped() -> None:
    assert Vocabulary("abc").normalize_prompt("xaYbz", unknown="drop") == "ab"


@pytest.mark.parametrize(
    ("known", "prompt", "expected"),
    [
        ("ea", "éà", "ea"),
        ("e", "É", "e"),
        ("É", "é", "É"),
        ("A", "a", "A"),
        ("a'", "a’", "a'"),
        ("a’", "a'", "a’"),
        ('"-', "“–", '"-'),
        ("a.", "…", "..."),
        ("aB", "ａＢ", "aB"),
        ("ａ", "a", "ａ"),
        ("s", "ß", "ss"),
        ("L", "ł", "L"),
        (" a", "a\u00a0\t", "a  "),
        (" a", "水", " "),
        ("a", "水", ""),
        ("fi", "ﬁ", "fi"),
    ],
)
def test_unknown_characters_can_be_replaced_by_the_closest_known_ones(known: str, prompt: str, expected: str) -> None:
    assert Vocabulary(known).normalize_prompt(prompt, unknown="replace") == expected


@given(TEXTS, TEXTS, st.sampled_from(["drop", "replace"]))
def test_a_mended_prompt_holds_known_characters_only(known: str, prompt: str, unknown: str) -> None:
    vocabulary = Vocabulary.from_counts(Counter(known), 7)
    mended = vocabulary.normalize_prompt(prompt, unknown=unknown)  # type: ignore[arg-type]
    assert set(mended) <= set(vocabulary.characters)


def test_a_mistyped_choice_for_unknown_characters_is_refused() -> None:
    with pytest.raises(ValueError, match="'refuse', 'drop' or 'replace', not 'ignore'"):
        Vocabulary("a").normalize_prompt("b", unknown="ignore")  # type: ignore[arg-type]
