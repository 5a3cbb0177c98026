"""How a character is chosen, against sets and sums in plain NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from charrnn.model.generation.sampling import CONTEXT, MEMORY, Choice

NO_HISTORY = np.full((1, MEMORY), -1, np.int32)


def choice(*, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, penalty=1.0):
    real = (tf.constant(value, tf.float32) for value in (top_p, min_p, penalty))
    return Choice(
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
    """Which characters can be chosen: each in turn gets almost all the luck there is."""
    size = len(logprobs)
    luck = np.full((size, size), 0.5, np.float32)
    np.fill_diagonal(luck, 1 - 6e-8)
    rows = np.tile(np.asarray(logprobs, np.float32), (size, 1))
    picked = choice(**options).pick(rows, np.tile(history, (size, 1)), tf.constant(luck)).numpy()
    return {i for i in range(size) if picked[i] == i}


def allowed(logprobs, *, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0):
    """The same by the options' definitions; equal probabilities stay or go together."""
    probabilities = np.exp(log_softmax(np.asarray(logprobs) / temperature))
    falling = sorted(probabilities, reverse=True)
    least = min_p * falling[0]
    if top_k:
        least = max(least, falling[min(top_k, len(falling)) - 1])
    before = np.cumsum([0.0, *falling[:-1]])
    assume(top_p == 1 or abs(before - top_p).min() > 1e-4)  # float32 may see a tie either way
    least = max(least, min(p for p, b in zip(falling, before, strict=True) if b < top_p))
    assume(abs(probabilities - min_p * falling[0]).min() > 1e-5 or min_p == 1)
    return {i for i, p in enumerate(probabilities) if p >= least - 1e-9}


scores = st.lists(st.integers(-30, 30).map(lambda n: n / 10), min_size=5, max_size=5)


@settings(deadline=None)
@given(scores, st.integers(0, 7), st.floats(0.01, 1), st.floats(0, 1), st.floats(0.5, 3))
def test_only_what_every_option_allows_can_be_chosen(scores, top_k, top_p, min_p, temperature):
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
def test_what_stays_of_40_30_20_7_and_3_percent(options, expected):
    assert possible(LOGPROBS, **options) == expected


def test_equally_likely_characters_stay_together():
    assert possible(np.log([0.4, 0.25, 0.25, 0.1]), top_k=2) == {0, 1, 2}
    assert possible(np.log([0.25, 0.25, 0.25, 0.25]), top_k=1) == {0, 1, 2, 3}


def test_the_cuts_are_made_after_the_temperature():
    assert possible(LOGPROBS, min_p=0.5, temperature=0.5) == {0, 1}  # squared: 0.16, 0.09, 0.04, …
    assert possible(LOGPROBS, min_p=0.5, temperature=2) == {0, 1, 2}  # roots: 0.63, 0.55, 0.45, 0.26, …


def test_temperature_0_takes_the_likeliest_whatever_the_luck():
    luck = np.random.default_rng(1).uniform(1e-9, 1 - 1e-7, (400, 5)).astype(np.float32)
    rows = np.tile(LOGPROBS.astype(np.float32)[::-1], (400, 1))
    picked = choice(temperature=0).pick(rows, np.tile(NO_HISTORY, (400, 1)), tf.constant(luck))
    assert set(picked.numpy()) == {4}


def test_temperature_0_takes_the_first_of_equally_likely_ones():
    assert possible(np.log([0.2, 0.4, 0.4]), temperature=0) == {1}


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_characters_come_as_often_as_the_temperature_says(temperature):
    count = 40_000
    luck = np.random.default_rng(2).uniform(1e-9, 1 - 1e-7, (count, 5)).astype(np.float32)
    rows = tf.broadcast_to(tf.constant(LOGPROBS, tf.float32), (count, 5))
    history = tf.broadcast_to(NO_HISTORY, (count, MEMORY))
    picked = choice(temperature=temperature).pick(rows, history, tf.constant(luck))
    shares = np.bincount(picked.numpy(), minlength=5) / count
    np.testing.assert_allclose(shares, np.exp(log_softmax(LOGPROBS / temperature)), atol=0.01)


def history_of(*ids):
    return np.array([[-1] * (MEMORY - len(ids)) + list(ids)], np.int32)


def penalized(*ids, penalty):
    logprobs = tf.constant(LOGPROBS[None], tf.float32)
    return np.exp(choice(penalty=penalty)._penalized(logprobs, tf.constant(history_of(*ids))).numpy()[0])


def test_a_character_that_followed_the_same_context_is_divided_by_the_penalty():
    context = (0, 3, 1, 4, 2)
    assert len(context) == CONTEXT
    np.testing.assert_allclose(penalized(*context, 1, *context, penalty=4), [0.4, 0.075, 0.2, 0.07, 0.03], rtol=1e-5)


def test_the_penalty_counts_every_repetition():
    round_ = (0, 3, 1, 4, 2, 1)
    result = penalized(*round_, *round_, *round_[:-1], penalty=4)
    np.testing.assert_allclose(result, [0.4, 0.3 / 16, 0.2, 0.07, 0.03], rtol=1e-5)


@pytest.mark.parametrize("history", [(), (1, 2), (0, 3, 1, 4, 2, 1, 4, 3, 1, 4, 2), (4, 2, 1, 4, 2)])
def test_other_contexts_and_short_histories_change_nothing(history):
    np.testing.assert_allclose(penalized(*history, penalty=4), np.exp(LOGPROBS), rtol=1e-5)


def test_the_penalty_can_change_what_is_likeliest():
    context = (0, 3, 1, 4, 2)
    history = history_of(*context, 0, *context)
    assert possible(LOGPROBS, history, temperature=0, penalty=2) == {1}
    assert possible(LOGPROBS, history, temperature=0) == {0}
