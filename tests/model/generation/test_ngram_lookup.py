"""Test n-gram lookups in compiled functions against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.core.ngrams import count_ngrams
from charrnn.model.generation.ngram_lookup import advance, next_probabilities, tables_of
from tests.support.rounding import assert_close

TEXT = np.random.default_rng(8).geometric(0.04, 900).clip(max=70).astype(np.uint8)
"""Ids of 70 classes, of which the most frequent ones have more followers than fit into a chunk."""
CLASSES = 73


@pytest.fixture(scope="module", params=[1, 2, 4])
def ngrams(request):
    return count_ngrams(TEXT, CLASSES, request.param)


def contexts():
    draw = np.random.default_rng(9)
    known = [TEXT[at - size : at] for size in (1, 3, 6) for at in draw.integers(9, 900, 3)]
    return [*known, draw.integers(0, CLASSES, 4), TEXT[-5:], np.array([72])]


def test_next_probabilities_equal_those_of_numpy(ngrams):
    nodes = np.stack([ngrams.nodes(context) for context in contexts()])
    found = tf.function(next_probabilities, jit_compile=True)(tables_of(ngrams), tf.constant(nodes)).numpy()
    for row, context in zip(found, contexts(), strict=True):
        expected = [ngrams.probabilities(np.append(context, c))[-1] for c in range(CLASSES)]
        assert_close(row, expected, roundings=9)
        assert row.sum() == pytest.approx(1, abs=1e-5)


def test_advancing_by_single_characters_reaches_the_contexts_of_numpy(ngrams):
    step = tf.function(advance, jit_compile=True)
    rows = np.stack([TEXT[5:30], np.append(TEXT[40:64], 72), np.arange(25) % CLASSES])
    nodes = tf.constant(np.stack([ngrams.nodes(row[:1]) for row in rows]))
    for read in range(1, 25):
        nodes = step(tables_of(ngrams), nodes, tf.constant(rows[:, read], tf.int32))
        assert nodes.numpy().tolist() == [ngrams.nodes(row[: read + 1]).tolist() for row in rows]
