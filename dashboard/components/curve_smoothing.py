"""Curves for the eye: smoothed, and thinned to what a screen can show. NumPy only.

N  points
"""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

LIMIT = 2000
"""Points of a curve that are sent to a browser at most."""


BLOCK = 64
"""Values that are averaged in one product: few enough that it is a small one, many enough that products are few."""


class Smoothing:
    """Averages each value with those before it, exponentially; the start is not drawn to zero.

    Args:
        weight: What remains of the past at each step, `0 … 1` (1 excluded); 0 smooths nothing.
    """

    def __init__(self, weight: float):
        back = np.arange(BLOCK)[:, None] - np.arange(BLOCK)
        self._shares = np.where(back >= 0, (1 - weight) * weight ** np.maximum(back, 0), 0)  # of each value before
        self._stays = weight ** np.arange(1, BLOCK + 1)
        self._mean, self._missing = 0.0, 1.0

    def add(self, values: Numbers) -> Numbers:
        """Return the averages of the next values, shape `(N,)` both."""
        count = len(values)
        blocks = np.zeros((-(-count // BLOCK), BLOCK))
        blocks.reshape(-1)[:count] = values
        means = blocks @ self._shares.T
        before, whole = [self._mean], float(self._stays[-1])
        for last in means[:, -1].tolist():
            before.append(last + whole * before[-1])
        means = (means + self._stays * np.array(before[:-1])[:, None]).reshape(-1)[:count]
        absent = self._missing * whole ** np.arange(len(blocks))
        missing = (self._stays * absent[:, None]).reshape(-1)[:count]
        if count:
            self._mean, self._missing = means[-1], missing[-1]
        return means / (1 - missing)


def thinned(x: Numbers, y: Numbers, limit: int = LIMIT) -> tuple[Numbers, Numbers]:
    """Return at most `limit` of the points, with the lowest and the highest of every stretch, the first and the last.

    Args:
        x: Rising, shape `(N,)`.
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
