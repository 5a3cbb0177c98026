"""Smooth and downsample curves.

N  number of points
"""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

MAX_POINTS = 2000
"""Maximum number of points per curve that are sent to a browser."""

BLOCK = 64
"""Number of values per matrix product: larger blocks need fewer products, but more multiplications."""


class ExponentialSmoothing:
    """Exponential moving average with bias correction, as in Adam.

    Args:
        weight: Weight of the previous average, in `[0, 1)`; 0 means no smoothing.
    """

    def __init__(self, weight: float):
        lags = np.arange(BLOCK)[:, None] - np.arange(BLOCK)
        self._weights = np.where(lags >= 0, (1 - weight) * weight ** np.maximum(lags, 0), 0)
        self._decays = weight ** np.arange(1, BLOCK + 1)
        self._mean = 0.0
        self._missing = 1.0  # 1 minus the sum of the weights of all values so far

    def add(self, values: Numbers) -> Numbers:
        """Return the averages at the next values; both have shape `(N,)`."""
        count = len(values)
        blocks = np.zeros((-(-count // BLOCK), BLOCK))
        blocks.reshape(-1)[:count] = values
        means = blocks @ self._weights.T
        initial, block_decay = [self._mean], float(self._decays[-1])
        for last in means[:, -1].tolist():
            initial.append(last + block_decay * initial[-1])
        means = (means + self._decays * np.array(initial[:-1])[:, None]).reshape(-1)[:count]
        initial_missing = self._missing * block_decay ** np.arange(len(blocks))
        missing = (self._decays * initial_missing[:, None]).reshape(-1)[:count]
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
    count = len(inner) // length
    starts = 1 + length * np.arange(count)
    intervals, rest = inner[: count * length].reshape(count, length), inner[count * length :]
    kept = [np.array([0, len(x) - 1]), starts + intervals.argmin(1), starts + intervals.argmax(1)]
    if len(rest):
        kept.append(1 + count * length + np.array([rest.argmin(), rest.argmax()]))
    indices = np.unique(np.concatenate(kept))
    return x[indices], y[indices]
