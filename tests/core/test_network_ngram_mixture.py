"""Tests of mixtures of a network and n-grams."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.core.network_ngram_mixture import Mixture, best_share
from charrnn.core.ngrams import count_ngrams

NGRAMS = count_ngrams(np.array([0, 1, 0], np.uint8), 2, 2)
nats = st.floats(0.01, 9).map(lambda number: round(number, 3))


@given(st.lists(st.tuples(nats, nats), min_size=1, max_size=20))
def test_no_other_share_gives_a_lower_loss(pairs):
    network, ngrams = np.array(pairs).T
    best = Mixture(NGRAMS, best_share(network, np.exp(-ngrams)))
    lowest = best.losses(network, np.exp(-ngrams)).mean()
    for share in np.linspace(0, 1, 51):
        assert lowest <= Mixture(NGRAMS, share).losses(network, np.exp(-ngrams)).mean() + 1e-9


@pytest.mark.parametrize(("network", "ngrams", "share"), [(1, 2, 1), (2, 1, 0)])
def test_a_model_that_is_better_at_every_character_gets_the_whole_share(network, ngrams, share):
    assert best_share(np.full(3, network), np.exp(-np.full(3, ngrams))) == pytest.approx(share, abs=1e-9)


def test_losses_are_computed_from_the_weighted_mean_of_probabilities():
    losses = Mixture(NGRAMS, 0.3).losses(np.array([1.0]), np.array([0.2]))
    assert losses[0] == pytest.approx(-math.log(0.3 * math.exp(-1) + 0.7 * 0.2))


def test_losses_are_finite_if_the_network_is_confident_and_wrong():
    assert np.isfinite(Mixture(NGRAMS, 0.5).losses(np.array([900.0]), np.array([0.1]))).all()
