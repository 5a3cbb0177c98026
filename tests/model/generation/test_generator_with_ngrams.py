"""Test generation with a mixture of a network and n-grams."""

import numpy as np
import pytest

from charrnn.core.generated_text import join_chunks
from charrnn.core.network_ngram_mixture import Mixture
from charrnn.core.ngrams import count_ngrams
from charrnn.core.options import checked
from charrnn.model.generation.decode_loop import CHUNK
from charrnn.model.generation.generator import Generator
from charrnn.model.network.network import Network
from charrnn.model.training.evaluation import Evaluation
from tests.support.tiny_networks import CLASSES, IDS, VOCABULARY, tiny

NGRAMS = count_ngrams(IDS, CLASSES, 3)
PROSE = VOCABULARY.decode(np.tile(IDS, 3))


@pytest.fixture(scope="module")
def network():
    network = Network(tiny(cell="rnn", num_layers=1), CLASSES)
    draw = np.random.default_rng(19)
    for variable in network.weights:
        variable.assign(draw.normal(size=variable.shape) / 2)
    return network


def generated(network, mixture, *, alternatives=False, **options):
    values = checked("sampling", {"seed": 7, "max_length": 90, **options})
    chunks = Generator(network, VOCABULARY, mixture).generate(values, alternatives=alternatives)
    return join_chunks("", list(chunks), values["num_samples"])


@pytest.mark.parametrize("size", [1, 2, CHUNK + 1])
@pytest.mark.parametrize("samples", [1, 3])
def test_log_probabilities_are_those_of_the_mixture(network, size, samples):
    mixture, prompt = Mixture(NGRAMS, 0.3), PROSE[:size]
    for text in generated(network, mixture, start_string=prompt, num_samples=samples):
        ids = VOCABULARY.encode(prompt + text.text)
        losses = mixture.losses(Evaluation(network, ids, first=1).losses(), NGRAMS.probabilities(ids))
        assert text.logprobs == pytest.approx(-losses[size - 1 :], abs=1e-4)


def test_share_of_one_equals_the_network_alone(network):
    (mixed,), (alone,) = (generated(network, mixture) for mixture in (Mixture(NGRAMS), None))
    assert mixed.text == alone.text
    assert mixed.logprobs == pytest.approx(alone.logprobs, abs=1e-5)


def test_share_of_zero_generates_the_most_likely_text_of_the_ngrams(network):
    (text,) = generated(network, Mixture(NGRAMS, 0.0), start_string="ab", temperature=0)
    ids = VOCABULARY.encode("ab").tolist()
    for _ in range(90):
        ids.append(int(np.argmax([NGRAMS.probabilities(np.array([*ids, c]))[-1] for c in range(CLASSES - 1)])))
    assert text.text == VOCABULARY.decode(ids[2:])


def test_longer_text_continues_the_shorter_one_and_depends_on_the_seed(network):
    mixture = Mixture(NGRAMS, 0.4)
    (long,), (short,), (other,) = (
        generated(network, mixture, max_length=length, seed=seed) for length, seed in ((300, 7), (17, 7), (300, 8))
    )
    assert long.text[:17] == short.text and long.text != other.text


def test_alternatives_and_top_k_use_the_mixture(network):
    (free,) = generated(network, Mixture(NGRAMS, 0.2), alternatives=True, temperature=0)
    (cut,) = generated(network, Mixture(NGRAMS, 0.2), top_k=1, temperature=3)
    assert free.text == cut.text
    for character, logprob, choices in zip(free.text, free.logprobs, free.alternatives, strict=True):
        assert choices[0].character == character and choices[0].logprob == pytest.approx(logprob, abs=1e-5)
        assert np.exp([choice.logprob for choice in choices]).sum() <= 1 + 1e-5


def test_share_is_read_at_each_call(network):
    mixture = Mixture(NGRAMS)
    generator = Generator(network, VOCABULARY, mixture)
    options = checked("sampling", {"seed": 7, "max_length": 90})
    before = "".join(chunk.text for chunk in generator.generate(options))
    mixture.share = 0.0
    assert "".join(chunk.text for chunk in generator.generate(options)) != before


@pytest.mark.parametrize("mixture", [None, Mixture(NGRAMS, 0.4)], ids=["network", "mixture"])
def test_greedy_continuations_of_several_prompts_equal_those_of_each(network, mixture):
    prompts, length = np.stack([IDS[:7], IDS[30:37], IDS[9:16]]).astype(np.int32), CHUNK + 5
    continued = Generator(network, VOCABULARY, mixture).continue_greedily(prompts, length)
    for prompt, ids in zip(prompts, continued, strict=True):
        (alone,) = generated(network, mixture, start_string=VOCABULARY.decode(prompt), temperature=0, max_length=length)
        assert VOCABULARY.decode(ids) == alone.text
