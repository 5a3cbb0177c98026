"""Test what earlier characters contribute to the probability of a character."""

import numpy as np
import pytest

from charrnn.core.network_ngram_mixture import Mixture
from charrnn.core.ngrams import count_ngrams
from charrnn.model.network.network import Network
from charrnn.model.reading.context_contributions import MAX_CONTEXT, context_function, context_logprobs
from charrnn.model.training.evaluation import Evaluation
from tests.support.tiny_networks import CLASSES, IDS, tiny


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "mingru"])
@pytest.mark.parametrize("mixed", [False, True])
def test_each_context_begins_with_an_empty_memory(cell: str, mixed: bool) -> None:
    """The log-probability after each suffix equals that of a text that consists of the suffix and the character."""
    net, context, target = Network(tiny(cell=cell), CLASSES), IDS[:41], 4
    mixture = Mixture(count_ngrams(IDS, CLASSES, 3), share=0.7) if mixed else None
    logprobs = context_logprobs(context_function(net), context, target, mixture)
    assert logprobs.shape == (41,)
    for start in (0, 8, 33, 40):
        text = np.append(context[start:], target).astype(np.uint8)
        loss = Evaluation(net, text, first=1).losses()
        if mixture is not None:
            loss = mixture.losses(loss, mixture.ngrams.probabilities(text))
        assert logprobs[start] == pytest.approx(-loss[-1], abs=1e-4)


def test_only_the_last_characters_of_a_long_context_are_considered() -> None:
    function = context_function(Network(tiny(), CLASSES))
    long = context_logprobs(function, np.resize(IDS, 300), 2)
    np.testing.assert_array_equal(long, context_logprobs(function, np.resize(IDS, 300)[-MAX_CONTEXT:], 2))
    assert len(long) == MAX_CONTEXT
