"""Into how many parts work is cut, so that each processor has one."""

from charrnn.core.cpu_features import num_cores
from charrnn.model.compute.gpu import has_gpu

FEWEST_SEQUENCES = 16
"""In a part of a batch; products with fewer rows cost nearly as much as with these."""


def num_processors() -> int:
    """Return how many threads may work side by side: one for each processor, but one alone where there is a GPU."""
    if has_gpu():
        return 1
    return num_cores()


def num_parts(count: int, fewest: int = FEWEST_SEQUENCES) -> int:
    """Return how many parts sequences are cut into on this machine: all of one size, one where that is not possible.

    Args:
        count: Number of sequences.
        fewest: Of them in a part.
    """
    most = max(1, min(num_processors(), count // fewest))
    return max(parts for parts in range(1, most + 1) if count % parts == 0)
