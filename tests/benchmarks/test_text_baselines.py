"""What models are compared with: splits of a text, standard errors, and guessers without a network."""

import importlib
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def peers(monkeypatch):
    """Import a module that benchmarks share, which they find beside them."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return lambda name: importlib.import_module(f"peers.{name}")


def test_an_excerpt_and_the_test_part_have_nothing_in_common(peers):
    text = "".join(chr(33 + number) for number in range(60))
    parts = peers("text_split").split_text(text, characters=23, first=5, test=11)
    assert parts.own == text[5:28] and parts.test == text[49:] and parts.before == text[:49]


def test_a_text_that_is_too_short_for_its_parts_is_refused(peers):
    with pytest.raises(ValueError, match="The text has 34 characters; 23 from 5 on and 7 to score need 35"):
        peers("text_split").split_text("x" * 34, characters=23, first=5, test=7)


def test_the_standard_error_is_that_of_block_means(peers):
    losses = np.repeat([1.0, 4.0, 2.5], 6)  # what is alike within a block says nothing new
    expected = np.std([1.0, 4.0, 2.5], ddof=1) / math.sqrt(3)
    assert peers("text_split").standard_error(losses, blocks=3) == pytest.approx(expected, rel=1e-12)


def test_a_static_bigram_is_interpolated_as_witten_and_bell_say(peers):
    own, test = "abacabb", "bad"
    cut = peers("text_split").TextSplit(own=own, test=test, before="ac")
    alone = {"a": (3 + 3 / 4) / 10, "b": (3 + 3 / 4) / 10, "c": (1 + 3 / 4) / 10, "d": (3 / 4) / 10}
    after = {"a": {"b": 2, "c": 1}, "b": {"a": 1, "b": 1}, "c": {"a": 1}}
    nats = 0.0
    for context, character in pairwise("c" + test):
        followers = after[context]
        kinds, total = len(followers), sum(followers.values())
        nats -= math.log((followers.get(character, 0) + kinds * alone[character]) / (total + kinds))
    assert peers("text_baselines").static(cut, 1) == pytest.approx(nats / 3, rel=1e-12)


def test_what_is_packed_after_itself_costs_next_to_nothing(peers):
    own = "".join(map(str, np.random.default_rng(5).integers(10, 99, 900)))
    splits, baselines = peers("text_split"), peers("text_baselines")
    again = splits.TextSplit(own=own, test=own[300:800], before="")
    other = splits.TextSplit(own=own, test=own[300:800][::-1], before="")
    for guess in (baselines.ppmd, lambda parts: baselines.text_baselines(parts).xz):
        assert 0 < guess(again) < 0.3 * guess(other)


def test_what_learns_while_it_reads_reads_a_tenth_of_the_text_at_a_time(peers):
    own, test = "abcdefghij" * 3, "".join(chr(65 + number) for number in range(17))
    read = []

    def size(text):
        read.append(text.decode())
        return len(text)

    cut = peers("text_split").TextSplit(own=own, test=test, before="")
    assert peers("text_baselines").growth(cut, size) == pytest.approx(8 * math.log(2), rel=1e-12)
    assert read == [own, *(own + test[first : first + 3] for first in (0, 3, 7, 10, 14))]
