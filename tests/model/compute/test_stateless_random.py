"""Tests of stateless random numbers: distribution and independence."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.model.compute.stateless_random import uniform

CHARACTERS, POSITIONS, SAMPLES = 67, 2_003, 5


def drawn(first=7, begin=0):
    """Return the random numbers of generated texts, shape `(POSITIONS, SAMPLES, CHARACTERS)`."""
    numbers = tf.reshape(tf.range(SAMPLES * CHARACTERS), (SAMPLES, CHARACTERS))
    return np.stack([uniform(numbers, tf.constant(first), tf.constant(begin + t)) for t in range(POSITIONS)])


@pytest.fixture(scope="module")
def noise():
    return drawn()


def test_uniform_numbers_are_evenly_distributed_in_the_open_interval(noise):
    assert 0 < noise.min() < 1e-4 and 1 - 1e-4 < noise.max() < 1
    shares = np.histogram(noise, bins=50, range=(0, 1))[0] / noise.size
    assert abs(shares - 1 / 50).max() < 5 * (1 / 50 / noise.size) ** 0.5


def test_extreme_bits_give_finite_gumbel_noise(monkeypatch):
    for all_bits in (0, 2**32 - 1):
        monkeypatch.setattr(
            "charrnn.model.compute.stateless_random.random_bits",
            lambda *key, same=all_bits: tf.constant([same], tf.uint32),
        )
        assert np.isfinite(-np.log(-np.log(uniform(None, None, None).numpy()))).all()


@pytest.mark.parametrize("axis", [0, 1, 2], ids=["positions", "samples", "characters"])
@pytest.mark.parametrize("distance", [1, 2, 4])
def test_neighboring_numbers_are_uncorrelated(noise, axis, distance):
    one, other = np.split(noise, [distance], axis)[1], np.split(noise, [-distance], axis)[0]
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 5 / one.size**0.5


def test_argmax_is_uniform_and_independent_of_the_previous_one(noise):
    winners = noise.argmax(2)
    assert abs(np.bincount(winners.ravel(), minlength=CHARACTERS) / winners.size * CHARACTERS - 1).max() < 0.4
    again = (winners[1:] == winners[:-1]).mean()
    assert again == pytest.approx(1 / CHARACTERS, abs=5 * (1 / CHARACTERS / winners.size) ** 0.5)


@pytest.mark.parametrize("seed", [8, 7 + 2**16, 2**31 - 1])
def test_different_seeds_give_uncorrelated_numbers(noise, seed):
    assert abs(np.corrcoef(noise.ravel(), drawn(seed).ravel())[0, 1]) < 5 / noise.size**0.5
