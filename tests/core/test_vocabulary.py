"""Tests of vocabularies and of prompts with unknown characters."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.core.errors import UnknownCharacters
from charrnn.core.vocabulary import Vocabulary

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)


@given(TEXTS, st.integers(1, 9))
def test_vocabulary_is_sorted_by_frequency_then_code_point(text: str, max_vocab: int) -> None:
    counts = Counter(text)
    expected = sorted(counts, key=lambda c: (-counts[c], ord(c)))[:max_vocab]
    assert Vocabulary.from_counts(counts, max_vocab).to_json() == expected


def test_defect_15_vocabulary_order_does_not_depend_on_counting_order() -> None:
    forwards = Vocabulary.from_counts(Counter("cabbage"), 3)
    backwards = Vocabulary.from_counts(Counter("egabbac"), 3)
    assert forwards.characters == backwards.characters == "abc"


@given(TEXTS)
def test_decode_inverts_encode(text: str) -> None:
    vocabulary = Vocabulary.from_counts(Counter(text), len(text))
    assert vocabulary.decode(vocabulary.encode(text)) == text


@given(TEXTS, TEXTS)
def test_encode_matches_a_naive_loop(known: str, text: str) -> None:
    vocabulary = Vocabulary.from_counts(Counter(known), 5)
    ids = {character: number for number, character in enumerate(vocabulary.to_json())}
    assert vocabulary.encode(text).tolist() == [ids.get(character, len(vocabulary)) for character in text]


@pytest.mark.parametrize(
    ("size", "dtype"), [(255, np.uint8), (256, np.uint16), (65_535, np.uint16), (65_536, np.uint32)]
)
def test_dtype_is_the_smallest_that_holds_the_unknown_id(size: int, dtype: type) -> None:
    vocabulary = Vocabulary("".join(map(chr, range(0x10000, 0x10000 + size))))
    ids = vocabulary.encode("a" + vocabulary.characters[-1])
    assert ids.dtype == vocabulary.dtype == dtype
    assert ids.tolist() == [size, size - 1]


def test_lone_surrogate_is_unknown() -> None:
    assert Vocabulary("ab").encode("a\udc80b").tolist() == [0, 2, 1]


def test_defect_14_unknown_id_cannot_be_decoded() -> None:
    vocabulary = Vocabulary("abc")
    with pytest.raises(ValueError, match="Unknown character id 3; ids must be between 0 and 2"):
        vocabulary.decode([0, vocabulary.unknown_id])
    with pytest.raises(ValueError, match="id -1"):
        vocabulary.decode([-1])


def test_empty_input_gives_empty_output() -> None:
    assert Vocabulary("abc").decode([]) == ""
    assert Vocabulary("abc").encode("").tolist() == []


def test_vocabulary_round_trips_through_json() -> None:
    vocabulary = Vocabulary("\n 😀é")
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary


@pytest.mark.parametrize("stored", [None, "ab", ["ab"], [1], [], ["a", "a"]])
def test_invalid_stored_vocabulary_is_rejected(stored: object) -> None:
    with pytest.raises(ValueError, match="vocabulary"):
        Vocabulary.from_json(stored)  # type: ignore[arg-type]


def test_empty_vocabulary_is_rejected() -> None:
    with pytest.raises(ValueError, match="at least one character"):
        Vocabulary.from_counts(Counter("abc"), 0)


def test_defect_14_prompt_with_unknown_characters_is_rejected_naming_each_once() -> None:
    with pytest.raises(
        UnknownCharacters,
        match=r"2 character\(s\) that are not in the model's vocabulary: 'ž' '😀'. The vocabulary has 3",
    ):
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
def test_unknown_characters_can_be_replaced_by_similar_ones(known: str, prompt: str, expected: str) -> None:
    assert Vocabulary(known).normalize_prompt(prompt, unknown="replace") == expected


@given(TEXTS, TEXTS, st.sampled_from(["drop", "replace"]))
def test_normalized_prompt_has_only_known_characters(known: str, prompt: str, unknown: str) -> None:
    vocabulary = Vocabulary.from_counts(Counter(known), 7)
    normalized = vocabulary.normalize_prompt(prompt, unknown=unknown)  # type: ignore[arg-type]
    assert set(normalized) <= set(vocabulary.characters)


def test_invalid_treatment_of_unknown_characters_is_rejected() -> None:
    with pytest.raises(ValueError, match="'refuse', 'drop' or 'replace', not 'ignore'"):
        Vocabulary("a").normalize_prompt("b", unknown="ignore")  # type: ignore[arg-type]
