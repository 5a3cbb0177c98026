"""Test the statistics that tell how a text fits a model."""

import numpy as np
import pytest

from charrnn.core.text_fit import TEMPERATURES, CharacterMoments, compare, fit, student_quantile

RANDOM = np.random.default_rng(11)
LOGITS = RANDOM.normal(0, 2, (400, 23))
"""A model that predicts 400 characters, each of 23."""


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def generated(temperature, seed):
    """Return the moments of a text that the model generates at a temperature."""
    known = log_softmax(LOGITS)
    noise = np.random.default_rng(seed).gumbel(size=LOGITS.shape)
    chosen = (LOGITS / temperature + noise).argmax(1)
    means, variances = [], []
    for each in TEMPERATURES:
        probabilities = np.exp(log_softmax(LOGITS / each))
        mean = (probabilities * known).sum(1)
        means.append(mean)
        variances.append((probabilities * (known - mean[:, None]) ** 2).sum(1))
    return CharacterMoments(known[np.arange(400), chosen], np.stack(means, 1), np.stack(variances, 1))


def test_z_of_own_texts_is_standard_normal():
    scores = [fit(generated(1.0, seed)).z for seed in range(200)]
    assert abs(np.mean(scores)) < 4 / np.sqrt(200)
    assert 0.8 < np.std(scores) < 1.2
    assert np.mean(np.abs(scores) < 1.96) > 0.88


@pytest.mark.parametrize("temperature", [0.5, 0.75, 0.9, 1.0, 1.3, 1.85])
def test_the_temperature_of_a_text_is_found_within_its_error(temperature):
    fits = [fit(generated(temperature, seed)) for seed in range(60)]
    inside = [abs(each.temperature - temperature) <= each.temperature_error for each in fits]
    assert np.mean(inside) > 0.85
    assert np.mean([each.temperature for each in fits]) == pytest.approx(temperature, rel=0.03)


def test_colder_texts_surprise_less_and_hotter_ones_more():
    assert fit(generated(0.7, 1)).z < -3
    assert fit(generated(1.4, 1)).z > 3


@pytest.mark.parametrize(("chosen", "limit"), [("max", 0.3), ("min", 2.0)])
def test_temperatures_beyond_the_range_are_reported_as_its_limit(chosen, limit):
    moments = generated(1.0, 1)
    extreme = getattr(log_softmax(LOGITS), chosen)(1)
    assert fit(CharacterMoments(extreme, moments.means, moments.variances)).temperature == pytest.approx(limit)


def test_a_short_text_has_no_fit():
    moments = generated(1.0, 1)
    assert fit(CharacterMoments(moments.logprobs[:99], moments.means[:99], moments.variances[:99])) is None
    assert fit(CharacterMoments(moments.logprobs[:100], moments.means[:100], moments.variances[:100])) is not None


def test_the_interval_of_a_comparison_covers_the_true_difference():
    covered = 0
    for seed in range(300):
        noise = np.random.default_rng(seed).exponential(size=(2, 700))
        result = compare(noise[0] + 0.1, noise[1])
        covered += result.low <= 0.1 <= result.high
    assert 0.9 < covered / 300 < 0.99


def test_swapping_the_models_flips_the_signs():
    first, second = RANDOM.exponential(size=(2, 1234))
    one, other = compare(first, second), compare(second, first)
    assert one.difference == pytest.approx(-other.difference)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert one.first_better + other.first_better == one.num_blocks == 12


def test_verdicts_follow_the_interval():
    noise = RANDOM.normal(size=(2, 2000))
    assert compare(noise[0] - 1, noise[1]).verdict == "first"
    assert compare(noise[0] + 1, noise[1]).verdict == "second"
    assert compare(noise[0], noise[0]).verdict == "tie"
    assert compare(noise[0][:499], noise[1][:499]) is None


@pytest.mark.parametrize(("degrees", "exact"), [(4, 2.776), (5, 2.571), (9, 2.262), (49, 2.010), (1000, 1.962)])
def test_student_quantiles_agree_with_tables(degrees, exact):
    assert student_quantile(degrees) == pytest.approx(exact, rel=0.003)
