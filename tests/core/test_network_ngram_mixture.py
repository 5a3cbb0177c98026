"""The share of a network beside n-grams."""

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
def test_no_other_share_costs_less(pairs):
    network, ngrams = np.array(pairs).T
    best = Mixture(NGRAMS, best_share(network, np.exp(-ngrams)))
    cost = best.losses(network, np.exp(-ngrams)).mean()
    for share in np.linspace(0, 1, 51):
        assert cost <= Mixture(NGRAMS, share).losses(network, np.exp(-ngrams)).mean() + 1e-9


@pytest.mark.parametrize(("network", "ngrams", "share"), [(1, 2, 1), (2, 1, 0)])
def test_the_better_one_of_two_that_differ_everywhere_gets_all(network, ngrams, share):
    assert best_share(np.full(3, network), np.exp(-np.full(3, ngrams))) == pytest.approx(share, abs=1e-9)


def test_the_loss_is_that_of_the_weighted_mean_of_probabilities():
    found = Mixture(NGRAMS, 0.3).losses(np.array([1.0]), np.array([0.2]))
    assert found[0] == pytest.approx(-math.log(0.3 * math.exp(-1) + 0.7 * 0.2))


def test_a_network_that_is_sure_and_wrong_costs_no_infinite_sum():
    assert np.isfinite(Mixture(NGRAMS, 0.5).losses(np.array([900.0]), np.array([0.1]))).all()
