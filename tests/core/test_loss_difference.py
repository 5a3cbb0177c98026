"""Test the significance of differences between losses."""

import numpy as np
import pytest

from charrnn.core.loss_difference import block_means, is_significantly_higher


def test_blocks_split_a_text_evenly():
    losses = np.arange(130, dtype=np.float32)
    assert block_means(losses) == [float(np.mean(part)) for part in np.array_split(losses, 8)]
    assert len(block_means(np.zeros(100_003, np.float32))) == 64
    assert len(block_means(np.zeros(3, np.float32))) == 1


def test_mean_of_equal_blocks_is_the_mean_of_the_text():
    losses = np.random.default_rng(1).gamma(2.0, 1.0, 64 * 50).astype(np.float32)
    assert np.mean(block_means(losses)) == pytest.approx(float(np.mean(losses)), rel=1e-6)


def test_a_difference_is_significant_above_two_standard_errors():
    draw = np.random.default_rng(2)
    older = draw.gamma(2.0, 1.0, 64)
    noise = draw.normal(0, 0.1, 64)
    noise -= noise.mean()
    error = noise.std(ddof=1) / 8
    assert not is_significantly_higher(older + noise + 1.9 * error, older)
    assert is_significantly_higher(older + noise + 2.1 * error, older)


def test_a_lower_or_equal_loss_is_not_significantly_higher():
    older = np.random.default_rng(3).gamma(2.0, 1.0, 64)
    assert not is_significantly_higher(older - 0.5, older)
    assert not is_significantly_higher(older, older)


def test_any_loss_is_significantly_higher_with_fewer_than_two_blocks():
    assert is_significantly_higher([2.0], [1.9])
    assert is_significantly_higher([], [])
