"""Test the significance of differences between losses."""

import numpy as np
import pytest

from charrnn.core.loss_difference import block_means, margin


def test_blocks_split_a_text_evenly():
    losses = np.arange(130, dtype=np.float32)
    assert block_means(losses) == [float(np.mean(part)) for part in np.array_split(losses, 8)]
    assert len(block_means(np.zeros(100_003, np.float32))) == 64
    assert len(block_means(np.zeros(3, np.float32))) == 1


def test_mean_of_equal_blocks_is_the_mean_of_the_text():
    losses = np.random.default_rng(1).gamma(2.0, 1.0, 64 * 50).astype(np.float32)
    assert np.mean(block_means(losses)) == pytest.approx(float(np.mean(losses)), rel=1e-6)


def test_the_margin_is_two_standard_errors_of_the_difference():
    """Losses vary far more between characters than between two checkpoints on the same characters."""
    rng = np.random.default_rng(2)
    older, noise = rng.gamma(2.0, 1.0, 64), rng.normal(0, 0.1, 64)
    assert margin(older + noise, older) == pytest.approx(2 * np.std(noise, ddof=1) / 8)
    assert margin(older + noise + 5, older) == pytest.approx(margin(older + noise, older))


def test_the_margin_is_zero_when_all_blocks_differ_equally():
    older = [1.0, 2.0, 3.0]
    assert margin([loss + 0.5 for loss in older], older) == 0


@pytest.mark.parametrize(("newer", "older"), [([2.0], [1.9]), ([], []), ([1.0, 2.0], [])])
def test_the_margin_is_zero_with_fewer_than_two_blocks(newer, older):
    assert margin(newer, older) == 0
