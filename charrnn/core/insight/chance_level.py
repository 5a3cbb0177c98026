"""Measure how closely the best of many units follows a feature by chance.

The feature is shifted circularly, which keeps its own structure (episodes, periods) and breaks its relation to the
text. The largest score of all units, over many shifts, is what a search over so many units finds by chance (Harris
2020, "A shift test for independence in generic time series"; the maximum accounts for the number of units).
"""

import numpy as np
import numpy.typing as npt

from charrnn.core.insight.association import Floats

NUM_SHIFTS = 200
SMALLEST_SHIFT = 0.1
"""Smallest shift in either direction, as a share of the text; smaller ones would leave some of the relation."""


def shifts(count: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Return the shifts, shape `(NUM_SHIFTS,)`, for `count` positions."""
    smallest = max(1, int(count * SMALLEST_SHIFT))
    return np.random.default_rng(seed).integers(smallest, max(count - smallest, smallest + 1), NUM_SHIFTS)


def shifted(weights: Floats, by: npt.NDArray[np.int64]) -> Floats:
    """Return the weights of a feature `(N,)` under each shift, shape `(shifts, N)`."""
    return np.stack([np.roll(weights, int(each)) for each in by])
