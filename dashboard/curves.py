"""Curves for the eye: smoothed, and thinned to what a screen can show. NumPy only.

N  points
"""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

LIMIT = 2000
"""Points of a curve that are sent to a browser at most."""


def smoothed(values: Numbers, weight: float) -> Numbers:
    """Average each value with those before it, exponentially; the start is not drawn to zero.

    Args:
        values: Shape `(N,)`.
        weight: What remains of the past at each step, `0 … 1` (1 excluded); 0 smooths nothing.
    """
    out = np.empty_like(values)
    mean = total = 0.0
    for index, value in enumerate(values):
        mean = weight * mean + (1 - weight) * value
        total = weight * total + (1 - weight)
        out[index] = mean / total
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
