"""Test the loss of a text under a model that learns from it."""

import numpy as np
import pytest

from charrnn.core.adaptive_ngrams import AdaptiveNGrams
from charrnn.core.network_ngram_mixture import Mixture
from charrnn.core.ngrams import count_ngrams
from charrnn.model.network.network import Network
from charrnn.model.training.dynamic_evaluation import MIN_SHARE, SEGMENT, SHARE_RATE, adaptive_losses
from charrnn.model.training.evaluation import Evaluation
from tests.support.tiny_networks import CLASSES, IDS, tiny

REPEATED = np.tile(np.array([0, 3, 1, 5, 2], np.uint8), 160)


@pytest.fixture(scope="module")
def network():
    return Network(tiny(cell="rnn", num_layers=1), CLASSES)


@pytest.mark.parametrize("cell", ["lstm", "gru", "mingru"])
def test_losses_before_the_first_step_equal_the_plain_evaluation(cell):
    network = Network(tiny(cell=cell), CLASSES)
    found = adaptive_losses(network, IDS[: SEGMENT + 1])
    assert found == pytest.approx(Evaluation(network, IDS[: SEGMENT + 1], first=1).losses(), abs=1e-5)


@pytest.mark.parametrize("size", [2, SEGMENT, SEGMENT + 2, 3 * SEGMENT + 1])
def test_every_character_except_the_first_counts_once(network, size):
    whole = adaptive_losses(network, IDS)
    found = adaptive_losses(network, IDS[:size])
    assert len(found) == size - 1 and found == pytest.approx(whole[: size - 1], abs=1e-5)


def test_repetitions_are_learned_without_changing_the_network(network):
    before = [variable.numpy() for variable in network.weights]
    found, plain = adaptive_losses(network, REPEATED), Evaluation(network, REPEATED, first=1).losses()
    assert found[-100:].mean() < plain[-100:].mean() - 0.02
    for variable, old in zip(network.weights, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)


def test_ngrams_keep_counting_and_the_share_moves_to_the_better_predictor(network):
    mixture = Mixture(count_ngrams(IDS, CLASSES, 3), 0.995)
    found = adaptive_losses(network, REPEATED, mixture)
    assert mixture.share == 0.995
    alone, counting, share = np.exp(-adaptive_losses(network, REPEATED)), AdaptiveNGrams(mixture.ngrams), 0.995
    counting.read(int(REPEATED[0]))
    for position, character in enumerate(REPEATED[1:].tolist()):
        share = min(max(share, MIN_SHARE), 1 - MIN_SHARE)
        total = share * alone[position] + (1 - share) * counting.read(character)
        assert found[position] == pytest.approx(-np.log(total), abs=1e-4)
        share += SHARE_RATE * (share * alone[position] / total - share)
    assert share < 0.9 and found[-1] < 0.5
