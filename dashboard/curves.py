"""Curves for the eye: smoothed, and thinned to what a screen can show. NumPy only.

N  points
"""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

LIMIT = 2000
"""Points of a curve that are sent to a browser at most."""


class Smoothing:
    """Averages each value with those before it, exponentially; the start is not drawn to zero.

    Args:
        weight: What remains of the past at each step, `0 … 1` (1 excluded); 0 smooths nothing.
    """

    def __init__(self, weight: float):
        self._weight = weight
        self._mean = self._total = 0.0

    def add(self, values: Numbers) -> Numbers:
        """Return the averages of the next values, shape `(N,)` both."""
        out = np.empty_like(values)
        for index, value in enumerate(values):
            self._mean = self._weight * self._mean + (1 - self._weight) * value
            self._total = self._weight * self._total + (1 - self._weight)
            out[index] = self._mean / self._total
        return out


def thinned(x: Numbers, y: Numbers, limit: int = LIMIT) -> tuple[Numbers, Numbers]:
    """Return at most `limit` of the points, with the lowest and the highest of every stretch, the first and the last.

    Args:
        x: Rising, shape `(N,)`.
        y: Shape `(N,)`.
        limit: At least 4.
    """
    if len(x) <= limit:
        return x, y
    edges = np.linspace(1, len(x) - 1, (limit - 2) // 2 + 1).astype(int)
    kept = {0, len(x) - 1}
    for start, end in zip(edges[:-1], edges[1:], strict=True):
        if end > start:
            kept |= {start + int(np.argmin(y[start:end])), start + int(np.argmax(y[start:end]))}
    chosen = np.array(sorted(kept))
    return x[chosen], y[chosen]
