"""Smooth curves, and downsample them to what a screen can show.

N  number of points
"""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

MAX_POINTS = 2000
"""Points of a curve that are sent to a browser at most."""

BLOCK = 64
"""Values that are averaged in one matrix product: a balance between the size and the number of the products."""


class ExponentialSmoothing:
    """Exponential moving average, with a bias correction for the first values.

    Args:
        weight: Weight of the previous average, in `[0, 1)`; 0 smooths nothing.
    """

    def __init__(self, weight: float):
        back = np.arange(BLOCK)[:, None] - np.arange(BLOCK)
        self._weights = np.where(back >= 0, (1 - weight) * weight ** np.maximum(back, 0), 0)
        self._decays = weight ** np.arange(1, BLOCK + 1)
        self._mean, self._missing = 0.0, 1.0

    def add(self, values: Numbers) -> Numbers:
        """Return the averages at the next values; both have shape `(N,)`."""
        count = len(values)
        blocks = np.zeros((-(-count // BLOCK), BLOCK))
        blocks.reshape(-1)[:count] = values
        means = blocks @ self._weights.T
        before, whole = [self._mean], float(self._decays[-1])
        for last in means[:, -1].tolist():
            before.append(last + whole * before[-1])
        means = (means + self._decays * np.array(before[:-1])[:, None]).reshape(-1)[:count]
        absent = self._missing * whole ** np.arange(len(blocks))
        missing = (self._decays * absent[:, None]).reshape(-1)[:count]
        if count:
            self._mean, self._missing = means[-1], missing[-1]
        return means / (1 - missing)


def downsample(x: Numbers, y: Numbers, limit: int = MAX_POINTS) -> tuple[Numbers, Numbers]:
    """Return at most `limit` points: the first, the last, and the minimum and maximum of each interval between them.

    Args:
        x: Increasing values, shape `(N,)`.
        y: Shape `(N,)`.
        limit: At least 4.
    """
    if len(x) <= limit:
        return x, y
    inner = y[1:-1]
    length = -(-len(inner) // ((limit - 2) // 2))
    whole = len(inner) // length
    starts = 1 + length * np.arange(whole)
    stretches, rest = inner[: whole * length].reshape(whole, length), inner[whole * length :]
    kept = [np.array([0, len(x) - 1]), starts + stretches.argmin(1), starts + stretches.argmax(1)]
    if len(rest):
        kept.append(1 + whole * length + np.array([rest.argmin(), rest.argmax()]))
    chosen = np.unique(np.concatenate(kept))
    return x[chosen], y[chosen]
