"""Tests of sampling against sets and sums in NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from charrnn.model.generation.sampling import CONTEXT, HISTORY, Sampler

NO_HISTORY = np.full((1, HISTORY), -1, np.int32)


def sampler(*, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, penalty=1.0):
    real = (tf.constant(value, tf.float32) for value in (top_p, min_p, penalty))
    return Sampler(
        tf.constant(temperature, tf.float32),
        tf.constant(top_k),
        *real,
        sorts=top_k > 0 or top_p < 1,
        penalizes=penalty > 1,
    )


def log_softmax(scores):
    scores = np.asarray(scores, np.float64)
    return scores - np.log(np.exp(scores).sum())


def possible(logprobs, history=NO_HISTORY, **options):
    """Return the characters that can be sampled, by giving each in turn the most favorable noise."""
    size = len(logprobs)
    noise = np.full((size, size), 0.5, np.float32)
    np.fill_diagonal(noise, 1 - 6e-8)
    rows = np.tile(np.asarray(logprobs, np.float32), (size, 1))
    picked = sampler(**options).pick(rows, np.tile(history, (size, 1)), tf.constant(noise)).numpy()
    return {i for i in range(size) if picked[i] == i}


def allowed(logprobs, *, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0):
    """Return the same set by the options' definitions; ties are kept or dropped together."""
    probabilities = np.exp(log_softmax(np.asarray(logprobs) / temperature))
    descending = sorted(probabilities, reverse=True)
    least = min_p * descending[0]
    if top_k:
        least = max(least, descending[min(top_k, len(descending)) - 1])
    before = np.cumsum([0.0, *descending[:-1]])
    assume(top_p == 1 or abs(before - top_p).min() > 1e-4)  # float32 may see a tie either way
    least = max(least, min(p for p, b in zip(descending, before, strict=True) if b < top_p))
    assume(abs(probabilities - min_p * descending[0]).min() > 1e-5 or min_p == 1)
    return {i for i, p in enumerate(probabilities) if p >= least - 1e-9}


scores = st.lists(st.integers(-30, 30).map(lambda n: n / 10), min_size=5, max_size=5)


@settings(deadline=None)
@given(scores, st.integers(0, 7), st.floats(0.01, 1), st.floats(0, 1), st.floats(0.5, 3))
def test_sampled_characters_satisfy_every_option(scores, top_k, top_p, min_p, temperature):
    options = dict(top_k=top_k, top_p=round(top_p, 3), min_p=round(min_p, 3), temperature=round(temperature, 2))
    assert possible(log_softmax(scores), **options) == allowed(log_softmax(scores), **options)


LOGPROBS = np.log([0.4, 0.3, 0.2, 0.07, 0.03])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {0, 1, 2, 3, 4}),
        ({"top_k": 1}, {0}),
        ({"top_k": 3}, {0, 1, 2}),
        ({"top_k": 99}, {0, 1, 2, 3, 4}),
        ({"top_p": 0.01}, {0}),
        ({"top_p": 0.39}, {0}),
        ({"top_p": 0.41}, {0, 1}),
        ({"top_p": 0.95}, {0, 1, 2, 3}),
        ({"min_p": 1.0}, {0}),
        ({"min_p": 0.7}, {0, 1}),
        ({"min_p": 0.1}, {0, 1, 2, 3}),
        ({"top_k": 3, "top_p": 0.41, "min_p": 0.1}, {0, 1}),
        ({"top_k": 1, "top_p": 0.95}, {0}),
        ({"top_k": 4, "min_p": 0.4}, {0, 1, 2}),
    ],
)
def test_filters_on_a_known_distribution(options, expected):
    assert possible(LOGPROBS, **options) == expected


def test_ties_are_kept_together():
    assert possible(np.log([0.4, 0.25, 0.25, 0.1]), top_k=2) == {0, 1, 2}
    assert possible(np.log([0.25, 0.25, 0.25, 0.25]), top_k=1) == {0, 1, 2, 3}


def test_filters_apply_after_the_temperature():
    assert possible(LOGPROBS, min_p=0.5, temperature=0.5) == {0, 1}  # squared: 0.16, 0.09, 0.04, …
    assert possible(LOGPROBS, min_p=0.5, temperature=2) == {0, 1, 2}  # roots: 0.63, 0.55, 0.45, 0.26, …


def test_temperature_0_is_greedy():
    noise = np.random.default_rng(1).uniform(1e-9, 1 - 1e-7, (400, 5)).astype(np.float32)
    rows = np.tile(LOGPROBS.astype(np.float32)[::-1], (400, 1))
    picked = sampler(temperature=0).pick(rows, np.tile(NO_HISTORY, (400, 1)), tf.constant(noise))
    assert set(picked.numpy()) == {4}


def test_temperature_0_breaks_ties_by_the_lowest_id():
    assert possible(np.log([0.2, 0.4, 0.4]), temperature=0) == {1}


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_sampling_frequencies_match_the_temperature(temperature):
    count = 40_000
    noise = np.random.default_rng(2).uniform(1e-9, 1 - 1e-7, (count, 5)).astype(np.float32)
    rows = tf.broadcast_to(tf.constant(LOGPROBS, tf.float32), (count, 5))
    history = tf.broadcast_to(NO_HISTORY, (count, HISTORY))
    picked = sampler(temperature=temperature).pick(rows, history, tf.constant(noise))
    shares = np.bincount(picked.numpy(), minlength=5) / count
    np.testing.assert_allclose(shares, np.exp(log_softmax(LOGPROBS / temperature)), atol=0.01)


def history_of(*ids):
    return np.array([[-1] * (HISTORY - len(ids)) + list(ids)], np.int32)


def penalized(*ids, penalty):
    logprobs = tf.constant(LOGPROBS[None], tf.float32)
    return np.exp(sampler(penalty=penalty)._penalized(logprobs, tf.constant(history_of(*ids))).numpy()[0])


def test_penalty_divides_the_probability_of_a_repetition():
    context = (0, 3, 1, 4, 2)
    assert len(context) == CONTEXT
    np.testing.assert_allclose(penalized(*context, 1, *context, penalty=4), [0.4, 0.075, 0.2, 0.07, 0.03], rtol=1e-5)


def test_penalty_applies_once_per_repetition():
    round_ = (0, 3, 1, 4, 2, 1)
    result = penalized(*round_, *round_, *round_[:-1], penalty=4)
    np.testing.assert_allclose(result, [0.4, 0.3 / 16, 0.2, 0.07, 0.03], rtol=1e-5)


@pytest.mark.parametrize("history", [(), (1, 2), (0, 3, 1, 4, 2, 1, 4, 3, 1, 4, 2), (4, 2, 1, 4, 2)])
def test_penalty_ignores_other_contexts_and_short_histories(history):
    np.testing.assert_allclose(penalized(*history, penalty=4), np.exp(LOGPROBS), rtol=1e-5)


def test_penalty_can_change_the_greedy_sampler():
    context = (0, 3, 1, 4, 2)
    history = history_of(*context, 0, *context)
    assert possible(LOGPROBS, history, temperature=0, penalty=2) == {1}
    assert possible(LOGPROBS, history, temperature=0) == {0}
