"""Test the helpers of the benchmarks: text splits, standard errors and baselines without a network."""

import importlib
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def peers(monkeypatch):
    """Return a function that imports a module of `benchmarks/peers`, as the benchmarks do."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return lambda name: importlib.import_module(f"peers.{name}")


def test_excerpt_and_test_split_do_not_overlap(peers):
    text = "".join(chr(33 + number) for number in range(60))
    parts = peers("text_split").split_text(text, characters=23, first=5, test=11)
    assert parts.train == text[5:28] and parts.test == text[49:] and parts.context == text[:49]


def test_too_short_text_is_rejected(peers):
    with pytest.raises(
        ValueError,
        match="The text has 34 characters, but an excerpt of 23 from position 5 and a test split of 7 need 35",
    ):
        peers("text_split").split_text("x" * 34, characters=23, first=5, test=7)


def test_standard_error_is_computed_from_block_means(peers):
    losses = np.repeat([1.0, 4.0, 2.5], 6)  # equal losses within a block add no information
    expected = np.std([1.0, 4.0, 2.5], ddof=1) / math.sqrt(3)
    assert peers("text_split").standard_error(losses, blocks=3) == pytest.approx(expected, rel=1e-12)


def test_bigram_loss_is_interpolated_as_in_witten_and_bell(peers):
    train, test = "abacabb", "bad"
    parts = peers("text_split").TextSplit(train=train, test=test, context="ac")
    unigram = {"a": (3 + 3 / 4) / 10, "b": (3 + 3 / 4) / 10, "c": (1 + 3 / 4) / 10, "d": (3 / 4) / 10}
    counts = {"a": {"b": 2, "c": 1}, "b": {"a": 1, "b": 1}, "c": {"a": 1}}
    nats = 0.0
    for context, character in pairwise("c" + test):
        followers = counts[context]
        distinct, total = len(followers), sum(followers.values())
        nats -= math.log((followers.get(character, 0) + distinct * unigram[character]) / (total + distinct))
    assert peers("text_baselines").ngram_loss(parts, 1) == pytest.approx(nats / 3, rel=1e-12)


def test_compression_loss_of_repeated_text_is_low(peers):
    train = "".join(map(str, np.random.default_rng(5).integers(10, 99, 900)))
    splits, baselines = peers("text_split"), peers("text_baselines")
    repeated = splits.TextSplit(train=train, test=train[300:800], context="")
    reversed_text = splits.TextSplit(train=train, test=train[300:800][::-1], context="")
    for loss in (baselines.ppmd_loss, lambda parts: baselines.text_baselines(parts).xz):
        assert 0 < loss(repeated) < 0.3 * loss(reversed_text)


def test_test_split_is_compressed_in_pieces_of_a_tenth_of_the_training_text(peers):
    train, test = "abcdefghij" * 3, "".join(chr(65 + number) for number in range(17))
    compressed = []

    def compressed_size(text):
        compressed.append(text.decode())
        return len(text)

    parts = peers("text_split").TextSplit(train=train, test=test, context="")
    assert peers("text_baselines").compression_loss(parts, compressed_size) == pytest.approx(8 * math.log(2), rel=1e-12)
    assert compressed == [train, *(train + test[start : start + 3] for start in (0, 3, 7, 10, 14))]
