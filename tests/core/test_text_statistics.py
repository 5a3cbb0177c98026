"""Counting a text that streams by."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from charrnn.core.text_statistics import HEAD, TextStatistics

TEXTS = st.text(st.characters(codec="utf-8"), max_size=60)


@given(st.lists(TEXTS, max_size=5))
def test_pieces_are_counted_like_the_whole(pieces: list[str]) -> None:
    statistics = TextStatistics()
    for piece in pieces:
        statistics.add(piece)
    assert statistics.counts() == Counter("".join(pieces))
    assert statistics.num_characters == len("".join(pieces))


def test_the_most_frequent_come_first_and_ties_go_by_code_point() -> None:
    statistics = TextStatistics()
    statistics.add("cabbage 😀😀é")
    assert list(statistics.counts()) == ["a", "b", "😀", " ", "c", "e", "g", "é"]


def test_nul_characters_are_told_from_those_beyond_the_first_plane() -> None:
    statistics = TextStatistics()
    statistics.add("\0a\0😀\0")
    assert statistics.counts() == {"\0": 3, "a": 1, "😀": 1}


def test_line_ends_are_counted_by_kind() -> None:
    statistics = TextStatistics()
    statistics.add_line_endings(lf=1, crlf=2, cr=3)
    statistics.add_line_endings(lf=10, crlf=20, cr=30)
    assert statistics.line_endings == {"lf": 11, "crlf": 22, "cr": 33}
    assert statistics.num_lines == 66


def test_the_last_line_needs_no_line_end() -> None:
    for text, lines in (("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n", 2)):
        statistics = TextStatistics()
        statistics.add_line_endings(lf=text.count("\n"), crlf=0, cr=0)
        statistics.add(text)
        assert statistics.num_lines == lines, repr(text)


def test_the_first_characters_are_kept() -> None:
    statistics = TextStatistics()
    for piece in ("ab" * 700, "cd" * 700):
        statistics.add(piece)
    assert statistics.head == ("ab" * 700 + "cd" * 700)[:HEAD]
