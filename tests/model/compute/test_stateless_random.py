"""Random numbers that are a hash of their place: spread evenly, and independent of their neighbours in every way."""

import numpy as np
import pytest
import tensorflow as tf

from charrnn.model.compute.stateless_random import uniform

CHARACTERS, PLACES, SAMPLES = 67, 2_003, 5


def drawn(first=7, begin=0):
    """The numbers of a text, as writing draws them: shape `(PLACES, SAMPLES, CHARACTERS)`."""
    numbers = tf.reshape(tf.range(SAMPLES * CHARACTERS), (SAMPLES, CHARACTERS))
    return np.stack([uniform(numbers, tf.constant(first), tf.constant(begin + t)) for t in range(PLACES)])


@pytest.fixture(scope="module")
def noise():
    return drawn()


def test_numbers_lie_evenly_between_zero_and_one_and_never_on_them(noise):
    assert 0 < noise.min() < 1e-4 and 1 - 1e-4 < noise.max() < 1
    shares = np.histogram(noise, bins=50, range=(0, 1))[0] / noise.size
    assert abs(shares - 1 / 50).max() < 5 * (1 / 50 / noise.size) ** 0.5


def test_the_lowest_and_the_highest_bits_are_numbers_of_which_logarithms_can_be_taken_twice(monkeypatch):
    for all_bits in (0, 2**32 - 1):
        monkeypatch.setattr(
            "charrnn.model.compute.stateless_random.bits", lambda *key, same=all_bits: tf.constant([same], tf.uint32)
        )
        assert np.isfinite(-np.log(-np.log(uniform(None, None, None).numpy()))).all()


@pytest.mark.parametrize("axis", [0, 1, 2], ids=["places of a text", "texts side by side", "characters"])
@pytest.mark.parametrize("distance", [1, 2, 4])
def test_neighbours_have_nothing_in_common(noise, axis, distance):
    one, other = np.split(noise, [distance], axis)[1], np.split(noise, [-distance], axis)[0]
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 5 / one.size**0.5


def test_every_character_wins_equally_often_and_whichever_won_before(noise):
    winners = noise.argmax(2)
    assert abs(np.bincount(winners.ravel(), minlength=CHARACTERS) / winners.size * CHARACTERS - 1).max() < 0.4
    again = (winners[1:] == winners[:-1]).mean()
    assert again == pytest.approx(1 / CHARACTERS, abs=5 * (1 / CHARACTERS / winners.size) ** 0.5)


@pytest.mark.parametrize("seed", [8, 7 + 2**16, 2**31 - 1])
def test_another_seed_has_other_numbers(noise, seed):
    assert abs(np.corrcoef(noise.ravel(), drawn(seed).ravel())[0, 1]) < 5 / noise.size**0.5
