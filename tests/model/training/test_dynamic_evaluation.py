"""What a text costs under a model that learns from what it reads."""

import numpy as np
import pytest

from charrnn.core.adaptive_ngrams import Counting
from charrnn.core.ngram_mixture import Mixture
from charrnn.core.ngrams import count_ngrams
from charrnn.model.network.network import Network
from charrnn.model.training.dynamic_evaluation import LEAST_SHARE, SHARE_RATE, STRETCH, adaptive_losses
from charrnn.model.training.evaluation import Evaluation
from tests.support.tiny_networks import CLASSES, IDS, tiny

REPEATED = np.tile(np.array([0, 3, 1, 5, 2], np.uint8), 160)


@pytest.fixture(scope="module")
def network():
    return Network(tiny(cell="rnn", num_layers=1), CLASSES)


@pytest.mark.parametrize("cell", ["lstm", "gru", "mingru"])
def test_before_the_first_step_it_is_the_plain_evaluation(cell):
    network = Network(tiny(cell=cell), CLASSES)
    found = adaptive_losses(network, IDS[: STRETCH + 1])
    assert found == pytest.approx(Evaluation(network, IDS[: STRETCH + 1], first=1).losses(), abs=1e-5)


@pytest.mark.parametrize("size", [2, STRETCH, STRETCH + 2, 3 * STRETCH + 1])
def test_every_character_but_the_first_counts_once(network, size):
    whole = adaptive_losses(network, IDS)
    found = adaptive_losses(network, IDS[:size])
    assert len(found) == size - 1 and found == pytest.approx(whole[: size - 1], abs=1e-5)


def test_it_learns_what_repeats_and_leaves_the_network_as_it_was(network):
    before = [variable.numpy() for variable in network.weights]
    found, plain = adaptive_losses(network, REPEATED), Evaluation(network, REPEATED, first=1).losses()
    assert found[-100:].mean() < plain[-100:].mean() - 0.02
    for variable, old in zip(network.weights, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)


def test_ngrams_count_on_and_the_share_moves_to_the_better_one(network):
    mixture = Mixture(count_ngrams(IDS, CLASSES, 3), 0.995)
    found = adaptive_losses(network, REPEATED, mixture)
    assert mixture.share == 0.995
    alone, counting, share = np.exp(-adaptive_losses(network, REPEATED)), Counting(mixture.ngrams), 0.995
    counting.read(int(REPEATED[0]))
    for place, character in enumerate(REPEATED[1:].tolist()):
        share = min(max(share, LEAST_SHARE), 1 - LEAST_SHARE)
        total = share * alone[place] + (1 - share) * counting.read(character)
        assert found[place] == pytest.approx(-np.log(total), abs=1e-4)
        share += SHARE_RATE * (share * alone[place] / total - share)
    assert share < 0.9 and found[-1] < 0.5
