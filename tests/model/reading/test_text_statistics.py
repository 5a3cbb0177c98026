"""Test the statistics of each character that a network reads."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.core.network_ngram_mixture import Mixture
from charrnn.core.ngrams import count_ngrams
from charrnn.core.options import checked
from charrnn.core.text_fit import OWN, TEMPERATURES, fit
from charrnn.model.generation.generator import Generator
from charrnn.model.network.network import Network
from charrnn.model.reading.text_statistics import TextStatistics
from charrnn.model.training.evaluation import Evaluation
from tests.support.tiny_networks import CLASSES, IDS, VOCABULARY, tiny

SAMPLING = checked(
    "sampling", {"start_string": "bad", "max_length": 250, "num_samples": 200, "seed": 5, "temperature": 1.0}
)


def network(cell: str = "gru", seed: int = 1) -> Network:
    """Return an untrained network whose predictions are far from uniform."""
    built = Network(tiny(cell=cell, seed=seed), CLASSES)
    built.output_kernel.assign(np.random.default_rng(seed).normal(0, 3, built.output_kernel.shape))
    return built


def mixture() -> Mixture:
    return Mixture(count_ngrams(IDS, CLASSES, 3), share=0.6)


def all_logprobs(net: Network, ids, mixed: Mixture | None) -> np.ndarray:
    """Return the log-probabilities of all classes at each position but the first, in float64, `(N - 1, V)`."""
    logits, _ = net(ids[None, :-1].astype(np.int32))
    probabilities = tf.nn.softmax(tf.cast(logits[:, 0], "float64")).numpy()
    if mixed is not None:
        for position in range(1, len(ids)):
            text = [np.append(ids[:position], each) for each in range(CLASSES)]
            ngrams = np.array([mixed.ngrams.probabilities(each.astype(np.uint8))[-1] for each in text])
            row = probabilities[position - 1]
            probabilities[position - 1] = mixed.share * row + (1 - mixed.share) * ngrams
    return np.log(probabilities)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "mingru"])
@pytest.mark.parametrize("mixed", [False, True])
def test_surprise_and_moments_equal_their_definitions(cell: str, mixed: bool) -> None:
    net, ngrams, ids = network(cell), mixture() if mixed else None, IDS[:37]
    nats, moments = TextStatistics(net, ids, mixture=ngrams).read()
    logprobs = all_logprobs(net, ids, ngrams)
    chosen = np.arange(36), ids[1:]
    np.testing.assert_allclose(nats, -logprobs[chosen], rtol=1e-4, atol=1e-5)
    known = logprobs[:, :-1] - np.log(np.exp(logprobs[:, :-1]).sum(1, keepdims=True))
    np.testing.assert_allclose(moments.logprobs, known[chosen], rtol=1e-4, atol=1e-5)
    for number, temperature in enumerate(TEMPERATURES):
        powers = np.exp(known / temperature)
        probabilities = powers / powers.sum(1, keepdims=True)
        mean = (probabilities * known).sum(1)
        variance = (probabilities * known**2).sum(1) - mean**2
        np.testing.assert_allclose(moments.means[:, number], mean, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(moments.variances[:, number], variance, rtol=1e-3, atol=1e-5)


def test_the_surprise_of_a_long_text_equals_its_score() -> None:
    net, ids = network(), np.random.default_rng(2).integers(0, CLASSES, 5000).astype(np.uint8)
    nats, _ = TextStatistics(net, ids).read()
    np.testing.assert_allclose(nats, Evaluation(net, ids, first=1).losses(), rtol=1e-4, atol=1e-5)


def test_z_of_a_models_own_samples_is_standard_normal() -> None:
    net = network()
    texts = [""] * 200
    for chunk in Generator(net, VOCABULARY).generate(SAMPLING):
        texts[chunk.sample] += chunk.text
    window, scores = None, []
    for text in texts:
        statistics = TextStatistics(net, VOCABULARY.encode("bad" + text), first=3, window=window)
        window = statistics.window
        scores.append(fit(statistics.read()[1]).z)
    assert abs(np.mean(scores)) < 4 / np.sqrt(200)
    assert 0.8 < np.std(scores) < 1.2


def test_the_temperature_of_a_models_sample_is_found() -> None:
    net = network()
    for temperature in (0.6, 1.3):
        options = SAMPLING | {"temperature": temperature, "num_samples": 1, "max_length": 3000}
        text = "".join(chunk.text for chunk in Generator(net, VOCABULARY).generate(options))
        result = fit(TextStatistics(net, VOCABULARY.encode("bad" + text), first=3).read()[1])
        assert abs(result.temperature - temperature) < 2 * result.temperature_error < 0.3


def test_progress_ends_at_one_and_an_exception_cancels_reading() -> None:
    done: list[float] = []
    TextStatistics(network(), np.resize(IDS, 700)).read(done.append)
    assert (len(done), done[-1]) == (6, 1)

    def cancel(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        TextStatistics(network(), IDS).read(cancel)


def test_moments_of_temperature_one_are_entropy_and_its_variance() -> None:
    _, moments = TextStatistics(network(), IDS).read()
    assert (moments.means[:, OWN] < 0).all()
    assert moments.means.shape == moments.variances.shape == (len(IDS) - 1, len(TEMPERATURES))
