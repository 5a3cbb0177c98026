"""Tests of dropout: rate, scaling and independence of masks."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from charrnn.model.network.dropout import dropout

SHAPE = (23, 31, 37)
POSITIONS = 23 * 31 * 37


def mask(dropout_rate=0.5, first=1, second=2, shape=SHAPE):
    """Return where numbers are kept."""
    return dropout(tf.ones(shape), dropout_rate, tf.constant([first, second])).numpy() > 0


@pytest.mark.parametrize("dropout_rate", [0.0, 0.1, 0.5, 0.9])
def test_dropout_drops_the_given_share_and_scales_the_rest(dropout_rate):
    result = dropout(tf.ones(SHAPE), dropout_rate, tf.constant([3, 4])).numpy()
    assert (result == 0).mean() == pytest.approx(dropout_rate, abs=0.01)
    np.testing.assert_allclose(result[result != 0], 1 / (1 - dropout_rate), rtol=1e-6)


def test_same_seed_gives_the_same_mask():
    np.testing.assert_array_equal(mask(), mask())


@pytest.mark.parametrize("seeds", [range(6), range(2**31 - 7, 2**31 - 1), [0, 1_000_003, 2_000_006, 2**16, 2**30]])
def test_masks_of_neighboring_seeds_are_independent(seeds):
    """Half of all positions agree by chance; four standard deviations are allowed."""
    masks = [mask(first=seed, second=second) for seed in seeds for second in (0, 1)]
    for one, other in itertools.combinations(masks, 2):
        assert (one == other).mean() == pytest.approx(0.5, abs=4 * 0.5 / POSITIONS**0.5)


@pytest.mark.parametrize("distance", [1, 2, 4, 37, 64, 37 * 31])
def test_neighboring_positions_are_dropped_independently(distance):
    flat = mask(dropout_rate=0.3).reshape(-1)
    both = (flat[distance:] & flat[:-distance]).mean()
    assert both == pytest.approx(0.7 * 0.7, abs=4 * 0.5 / POSITIONS**0.5)


def test_every_unit_and_sequence_is_dropped_equally_often():
    kept = mask()
    for axes in ((0, 1), (0, 2), (1, 2)):
        counted = POSITIONS / kept.mean(axes).size
        assert abs(kept.mean(axes) - 0.5).max() < 4 * 0.5 / counted**0.5


def test_gradients_pass_where_numbers_were_kept():
    x = tf.random.stateless_normal((3, 5), [1, 2])
    with tf.GradientTape() as tape:
        tape.watch(x)
        result = dropout(x, 0.4, tf.constant([5, 6]))
    expected = np.where(result.numpy() != 0, 1 / 0.6, 0)
    np.testing.assert_allclose(tape.gradient(result, x), expected, rtol=1e-6)


def test_nan_does_not_leak_through_dropped_positions():
    result = dropout(tf.fill((7, 11), float("nan")), 0.5, tf.constant([1, 2])).numpy()
    assert (result[~np.isnan(result)] == 0).all() and 0 < np.isnan(result).mean() < 1
