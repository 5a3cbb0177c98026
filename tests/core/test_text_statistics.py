"""Counting a text that streams by."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from charrnn.core.text_statistics import HEAD, Census

TEXTS = st.text(st.characters(codec="utf-8"), max_size=60)


@given(st.lists(TEXTS, max_size=5))
def test_pieces_are_counted_like_the_whole(pieces: list[str]) -> None:
    census = Census()
    for piece in pieces:
        census.add(piece)
    assert census.counts() == Counter("".join(pieces))
    assert census.num_characters == len("".join(pieces))


def test_the_most_frequent_come_first_and_ties_go_by_code_point() -> None:
    census = Census()
    census.add("cabbage 😀😀é")
    assert list(census.counts()) == ["a", "b", "😀", " ", "c", "e", "g", "é"]


def test_nul_characters_are_told_from_those_beyond_the_first_plane() -> None:
    census = Census()
    census.add("\0a\0😀\0")
    assert census.counts() == {"\0": 3, "a": 1, "😀": 1}


def test_line_ends_are_counted_by_kind() -> None:
    census = Census()
    census.add_line_ends(lf=1, crlf=2, cr=3)
    census.add_line_ends(lf=10, crlf=20, cr=30)
    assert census.line_ends == {"lf": 11, "crlf": 22, "cr": 33}
    assert census.num_lines == 66


def test_the_last_line_needs_no_line_end() -> None:
    for text, lines in (("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n", 2)):
        census = Census()
        census.add_line_ends(lf=text.count("\n"), crlf=0, cr=0)
        census.add(text)
        assert census.num_lines == lines, repr(text)


def test_the_first_characters_are_kept() -> None:
    census = Census()
    for piece in ("ab" * 700, "cd" * 700):
        census.add(piece)
    assert census.head == ("ab" * 700 + "cd" * 700)[:HEAD]
