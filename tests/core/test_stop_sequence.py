"""The stop string, also across pieces."""

from hypothesis import given
from hypothesis import strategies as st

from charrnn.core.stop_sequence import StopString


def written(stop, pieces):
    watch = StopString(stop)
    text, numbers, position = "", [], 0
    for piece in pieces:
        given_text, [given_numbers] = watch.feed(piece, range(position, position + len(piece)))
        text, numbers, position = text + given_text, numbers + given_numbers, position + len(piece)
        if watch.reached:
            break
    last_text, [last_numbers] = watch.flush()
    return text + last_text, numbers + last_numbers


def test_text_ends_before_the_stop_string():
    assert written("END", ["one two ENDthree"]) == ("one two ", list(range(8)))


def test_a_stop_string_spread_over_pieces_is_found():
    assert written("\n\n", ["one\n", "\ntwo"])[0] == "one"


def test_what_only_looked_like_its_beginning_is_given_back():
    assert written("abc", ["xab", "d ab"]) == ("xabd ab", list(range(7)))


def test_without_a_stop_string_everything_is_given_at_once():
    assert StopString("").feed("abc", [1, 2, 3]) == ("abc", [[1, 2, 3]])


@given(st.text("ab", max_size=30), st.text("ab", min_size=1, max_size=4), st.data())
def test_any_cut_into_pieces_gives_what_str_find_gives(text, stop, data):
    pieces, rest = [], text
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        pieces, rest = [*pieces, rest[:size]], rest[size:]
    found = text.find(stop)
    expected = text if found < 0 else text[:found]
    assert written(stop, pieces or [""]) == (expected, list(range(len(expected))))
