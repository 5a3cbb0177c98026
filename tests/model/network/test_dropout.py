"""Dropout: what share stays, and that no two masks have anything in common."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from charrnn.model.network.dropout import dropout

SHAPE = (23, 31, 37)
PLACES = 23 * 31 * 37


def mask(dropout_rate=0.5, first=1, second=2, shape=SHAPE):
    """Where ones stay."""
    return dropout(tf.ones(shape), dropout_rate, tf.constant([first, second])).numpy() > 0


@pytest.mark.parametrize("drop", [0.0, 0.1, 0.5, 0.9])
def test_the_share_that_is_asked_for_is_dropped_and_the_rest_makes_up_for_it(dropout_rate):
    result = dropout(tf.ones(SHAPE), dropout_rate, tf.constant([3, 4])).numpy()
    assert (result == 0).mean() == pytest.approx(dropout_rate, abs=0.01)
    np.testing.assert_allclose(result[result != 0], 1 / (1 - dropout_rate), rtol=1e-6)


def test_the_same_seed_drops_the_same_places():
    np.testing.assert_array_equal(mask(), mask())


@pytest.mark.parametrize("seeds", [range(6), range(2**31 - 7, 2**31 - 1), [0, 1_000_003, 2_000_006, 2**16, 2**30]])
def test_masks_of_neighbouring_seeds_agree_by_chance_only(seeds):
    """Half of all places agree by chance; four times the deviation of so many throws is allowed."""
    masks = [mask(first=seed, second=second) for seed in seeds for second in (0, 1)]
    for one, other in itertools.combinations(masks, 2):
        assert (one == other).mean() == pytest.approx(0.5, abs=4 * 0.5 / PLACES**0.5)


@pytest.mark.parametrize("distance", [1, 2, 4, 37, 64, 37 * 31])
def test_places_near_each_other_drop_independently(distance):
    flat = mask(dropout_rate=0.3).reshape(-1)
    both = (flat[distance:] & flat[:-distance]).mean()
    assert both == pytest.approx(0.7 * 0.7, abs=4 * 0.5 / PLACES**0.5)


def test_every_unit_and_every_sequence_drops_equally_often():
    stays = mask()
    for axes in ((0, 1), (0, 2), (1, 2)):
        counted = PLACES / stays.mean(axes).size
        assert abs(stays.mean(axes) - 0.5).max() < 4 * 0.5 / counted**0.5


def test_gradients_pass_where_numbers_stayed():
    x = tf.random.stateless_normal((3, 5), [1, 2])
    with tf.GradientTape() as tape:
        tape.watch(x)
        result = dropout(x, 0.4, tf.constant([5, 6]))
    expected = np.where(result.numpy() != 0, 1 / 0.6, 0)
    np.testing.assert_allclose(tape.gradient(result, x), expected, rtol=1e-6)


def test_numbers_that_are_none_do_not_leak_through_a_dropped_place():
    result = dropout(tf.fill((7, 11), float("nan")), 0.5, tf.constant([1, 2])).numpy()
    assert (result[~np.isnan(result)] == 0).all() and 0 < np.isnan(result).mean() < 1
