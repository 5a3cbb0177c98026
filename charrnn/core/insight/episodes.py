"""Count the episodes of a feature: evidence comes from separate occurrences, not from characters.

The characters of one quotation are not independent: a hundred of them are one case, not a hundred.
"""

import numpy as np
import numpy.typing as npt

from charrnn.core.insight.association import Array

MIN_EPISODES = 20
"""Minimum number of episodes in each half of the text; with fewer, there are too few to tell."""


def episode_ends(feature: Array, rows: int) -> npt.NDArray[np.bool_]:
    """Return the last position of each episode.

    Args:
        feature: Shape `(N,)`: `rows` stretches of text of equal length, one after another. An episode of a yes/no
            feature is a run of positions where it is on, one of a graded feature ends before its value falls.
        rows: Number of stretches; an episode that a stretch cuts off does not end there.
    """
    values = feature.reshape(rows, -1)
    ends = np.zeros(values.shape, bool)
    if feature.dtype == bool:
        ends[:, :-1] = values[:, :-1] & ~values[:, 1:]
    else:
        ends[:, :-1] = values[:, :-1] > values[:, 1:]
    return ends.reshape(-1)


def count_episodes(feature: Array, rows: int) -> int:
    """Return the number of episodes that end within one of the stretches; arguments as for `episode_ends`."""
    return int(episode_ends(feature, rows).sum())
