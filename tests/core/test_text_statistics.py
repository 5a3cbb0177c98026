"""Tests of text statistics."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from charrnn.core.text_statistics import HEAD, TextStatistics

TEXTS = st.text(st.characters(codec="utf-8"), max_size=60)


@given(st.lists(TEXTS, max_size=5))
def test_chunks_are_counted_like_the_whole_text(chunks: list[str]) -> None:
    statistics = TextStatistics()
    for chunk in chunks:
        statistics.add(chunk)
    assert statistics.counts() == Counter("".join(chunks))
    assert statistics.num_characters == len("".join(chunks))


def test_counts_are_sorted_by_frequency_then_code_point() -> None:
    statistics = TextStatistics()
    statistics.add("cabbage 😀😀é")
    assert list(statistics.counts()) == ["a", "b", "😀", " ", "c", "e", "g", "é"]


def test_nul_characters_are_counted_separately_from_astral_ones() -> None:
    statistics = TextStatistics()
    statistics.add("\0a\0😀\0")
    assert statistics.counts() == {"\0": 3, "a": 1, "😀": 1}


def test_line_endings_are_counted_by_kind() -> None:
    statistics = TextStatistics()
    statistics.add_line_endings(lf=1, crlf=2, cr=3)
    statistics.add_line_endings(lf=10, crlf=20, cr=30)
    assert statistics.line_endings == {"lf": 11, "crlf": 22, "cr": 33}
    assert statistics.num_lines == 66


def test_last_line_needs_no_line_ending() -> None:
    for text, lines in (("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n", 2)):
        statistics = TextStatistics()
        statistics.add_line_endings(lf=text.count("\n"), crlf=0, cr=0)
        statistics.add(text)
        assert statistics.num_lines == lines, repr(text)


def test_head_keeps_the_first_characters() -> None:
    statistics = TextStatistics()
    for chunk in ("ab" * 700, "cd" * 700):
        statistics.add(chunk)
    assert statistics.head == ("ab" * 700 + "cd" * 700)[:HEAD]
