"""Whether a difference between two losses on the same text is more than chance."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BLOCKS, FEWEST_CHARACTERS = 64, 16
"""Most blocks that a text is cut into, and fewest characters in one: neighbors are alike, so single characters would
make a difference look surer than it is."""
ERRORS = 2.0
"""Standard errors that a difference must have to be more than chance."""


def block_means(losses: npt.NDArray[np.floating]) -> list[float]:
    """Return the mean loss of each block of a text, in nats.

    Args:
        losses: Of each character in order, shape `(N,)`, N at least 1.
    """
    count = max(1, min(BLOCKS, len(losses) // FEWEST_CHARACTERS))
    return [float(np.mean(block)) for block in np.array_split(losses, count)]


def margin(newer: Sequence[float], older: Sequence[float]) -> float:
    """Return how far two losses on the same text may differ by chance, in nats: two standard errors.

    Args:
        newer: Means of blocks, as from `block_means`.
        older: The same for the other loss. With fewer than two blocks chance is unknown, and the margin is 0.
    """
    if len(newer) != len(older) or len(newer) < 2:
        return 0.0
    differences = np.subtract(newer, older)
    return float(ERRORS * np.std(differences, ddof=1) / np.sqrt(len(differences)))
