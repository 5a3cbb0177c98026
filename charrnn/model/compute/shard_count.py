"""Choose the number of shards that a batch is split into, one per core."""

from charrnn.core.cpu_info import num_cores
from charrnn.model.compute.gpu_detection import has_gpu

MIN_SEQUENCES_PER_SHARD = 16
"""Matrix products with fewer rows cost nearly as much as with this many."""


def num_threads() -> int:
    """Return the number of shards to compute in parallel: one per core, or a single one on a GPU."""
    if has_gpu():
        return 1
    return num_cores()


def num_shards(count: int, min_per_shard: int = MIN_SEQUENCES_PER_SHARD) -> int:
    """Return the number of equal shards to split sequences into on this machine; 1 if they cannot be split.

    Args:
        count: Number of sequences.
        min_per_shard: Minimum number of sequences in a shard.
    """
    limit = max(1, min(num_threads(), count // min_per_shard))
    return max(shards for shards in range(1, limit + 1) if count % shards == 0)
