"""Test the search for copies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.core import copies
from charrnn.core.copies import Copy, find_copies

UNKNOWN = 3


def ids(*values):
    return np.array(values, np.uint8)


def brute_force(source, text, seed):
    """Compare all pairs of positions; return the length of the longest copy that contains each character."""
    longest = [0] * len(text)
    for start in range(len(text)):
        for position in range(len(source)):
            length = 0
            while (
                start + length < len(text)
                and position + length < len(source)
                and text[start + length] == source[position + length] != UNKNOWN
            ):
                length += 1
            if length >= seed:
                for at in range(start, start + length):
                    longest[at] = max(longest[at], length)
    return longest


@given(
    source=st.lists(st.integers(0, UNKNOWN), max_size=70),
    text=st.lists(st.integers(0, UNKNOWN), max_size=40),
    copied=st.tuples(st.integers(0, 60), st.integers(0, 30), st.integers(0, 40)),
    seed=st.sampled_from([1, 2, 4, 8, 16]),
    sizes=st.tuples(st.integers(1, 30), st.integers(1, 20), st.integers(1, 20)),
)
def test_copies_equal_brute_force(source, text, copied, seed, sizes):
    """Whatever the chunks, and however many pairs are compared at once."""
    first, length, into = copied
    text[into:into] = source[first : first + length]
    with pytest.MonkeyPatch.context() as patch:
        for name, size in zip(("CHUNK", "MAX_PAIRS", "MAX_COMPARED"), sizes, strict=True):
            patch.setattr(copies, name, size)
        found = find_copies(ids(*source), ids(*text), unknown_id=UNKNOWN, seed=seed)
    assert found.longest.tolist() == brute_force(source, text, seed)
    for copy in found.stretches:
        assert source[copy.source : copy.source + copy.length] == text[copy.start : copy.start + copy.length]
        assert set(found.longest[copy.start : copy.start + copy.length]) <= set(range(copy.length, len(text) + 1))


def test_a_copy_is_reported_with_its_first_occurrence_in_the_source():
    random = np.random.default_rng(3)
    source = random.integers(0, 90, 1000).astype(np.uint8)
    source[700:740] = source[300:340]
    text = np.concatenate([random.integers(0, 90, 11), source[305:335], random.integers(0, 90, 13)]).astype(np.uint8)
    found = find_copies(source, text, unknown_id=90)
    assert found.stretches == (Copy(start=11, length=30, source=305),)
    assert (found.share(30), found.share(31)) == (30 / 54, 0)


def test_a_text_copies_itself_completely():
    text = np.random.default_rng(5).integers(0, 70, 333).astype(np.uint16)
    found = find_copies(text, text, unknown_id=70)
    assert found.stretches == (Copy(0, 333, 0),)
    assert found.share(333) == 1


def test_unknown_characters_equal_nothing():
    text = np.full(50, 7, np.uint8)
    assert not find_copies(text, text, unknown_id=7).stretches
    assert find_copies(text, text, unknown_id=8).stretches == (Copy(0, 50, 0),)


def test_a_copy_across_the_border_of_two_chunks_is_one_copy(monkeypatch):
    """It is preferred to an earlier copy that is shorter, but longer than its part in the first chunk."""
    monkeypatch.setattr(copies, "MAX_COMPARED", 1)
    source = np.random.default_rng(2).integers(0, 200, copies.CHUNK + 500).astype(np.uint8)
    text = source[copies.CHUNK - 21 : copies.CHUNK + 22]
    source[100:140] = text[:40]
    assert find_copies(source, text, unknown_id=255).stretches == (Copy(0, 43, copies.CHUNK - 21),)


@pytest.mark.parametrize("period", [1, 3, 40])
def test_a_source_that_repeats_itself_takes_few_comparisons(period, monkeypatch):
    """Every window of the text occurs at thousands of positions; comparing all pairs would take minutes."""
    rounds = []
    common_lengths = copies._common_lengths
    monkeypatch.setattr(copies, "_common_lengths", lambda *args: rounds.append(1) or common_lengths(*args))
    source = np.tile(np.arange(period, dtype=np.uint8), 400_000 // period)
    source[::1009] = 200
    text = np.tile(np.arange(period, dtype=np.uint8), 1500 // period)
    found = find_copies(source, text, unknown_id=255)
    assert max(copy.length for copy in found.stretches) == 1008
    assert len(rounds) < 100


def test_progress_ends_at_one_and_an_exception_cancels_the_search():
    source = np.zeros(3 * copies.CHUNK, np.uint8)
    done: list[float] = []
    find_copies(source, source[:20], unknown_id=9, progress=done.append)
    assert done[-1] == 1
    assert done == sorted(done)

    def cancel(fraction):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_copies(source, source[:20], unknown_id=9, progress=cancel)


def test_the_seed_must_be_a_power_of_two():
    with pytest.raises(ValueError, match="power of two, not 12"):
        find_copies(ids(1), ids(1), unknown_id=UNKNOWN, seed=12)
