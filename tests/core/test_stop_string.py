"""Tests of stop strings."""

from hypothesis import given
from hypothesis import strategies as st

from charrnn.core.stop_string import StopString


def feed_all(stop, chunks):
    stop_string = StopString(stop)
    text, numbers, position = "", [], 0
    for chunk in chunks:
        new_text, [new_numbers] = stop_string.feed(chunk, range(position, position + len(chunk)))
        text, numbers, position = text + new_text, numbers + new_numbers, position + len(chunk)
        if stop_string.reached:
            break
    last_text, [last_numbers] = stop_string.flush()
    return text + last_text, numbers + last_numbers


def test_stop_string_ends_the_text():
    assert feed_all("END", ["one two ENDthree"]) == ("one two ", list(range(8)))


def test_stop_string_is_found_across_chunks():
    assert feed_all("\n\n", ["one\n", "\ntwo"])[0] == "one"


def test_partial_match_is_released_when_it_does_not_continue():
    assert feed_all("abc", ["xab", "d ab"]) == ("xabd ab", list(range(7)))


def test_empty_stop_string_releases_everything_at_once():
    assert StopString("").feed("abc", [1, 2, 3]) == ("abc", [[1, 2, 3]])


@given(st.text("ab", max_size=30), st.text("ab", min_size=1, max_size=4), st.data())
def test_any_chunking_matches_str_find(text, stop, data):
    chunks, rest = [], text
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        chunks, rest = [*chunks, rest[:size]], rest[size:]
    found = text.find(stop)
    expected = text if found < 0 else text[:found]
    assert feed_all(stop, chunks or [""]) == (expected, list(range(len(expected))))
