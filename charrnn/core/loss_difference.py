"""Test whether the difference between two losses on the same text is statistically significant."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MAX_BLOCKS, MIN_BLOCK_SIZE = 64, 16
"""Maximum number of blocks, and minimum number of characters per block. Losses of neighboring characters are
correlated, so treating them as independent would underestimate the standard error. Block means are nearly
independent."""
MIN_STANDARD_ERRORS = 2.0
"""A difference is significant if it exceeds this many standard errors."""


def block_means(losses: npt.NDArray[np.floating]) -> list[float]:
    """Split a text into blocks and return the mean loss of each, in nats.

    Args:
        losses: Loss of each character in order, shape `(N,)`, N at least 1.
    """
    count = max(1, min(MAX_BLOCKS, len(losses) // MIN_BLOCK_SIZE))
    return [float(np.mean(block)) for block in np.array_split(losses, count)]


def margin(newer: Sequence[float], older: Sequence[float]) -> float:
    """Return two standard errors of the difference between two losses on the same text, in nats.

    Args:
        newer: Block means, as returned by `block_means`.
        older: Block means of the other loss.

    Returns:
        The margin; 0 if the numbers of blocks differ or there are fewer than two, so that the standard error is
        unknown.
    """
    if len(newer) != len(older) or len(newer) < 2:
        return 0.0
    differences = np.subtract(newer, older)
    standard_error = np.std(differences, ddof=1) / np.sqrt(len(differences))
    return float(MIN_STANDARD_ERRORS * standard_error)
