"""Decide which waiting training starts next, and forecast when each of them starts.

Owners take turns: the next training belongs to the owner with the fewest running trainings, and of several such owners
to the one whose last training started first. Trainings of a higher priority come before all others. A training that
does not fit into memory next to the running ones waits, and so do those after it: otherwise, small trainings could
delay a large one forever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What a waiting or running training takes from a machine."""

    id: str
    owner: str
    memory_bytes: float
    seconds: float
    """Estimated time until it ends: from its start if it waits, from now if it runs."""
    priority: int = 0


@dataclass(frozen=True)
class Capacity:
    """What the trainings of a machine may take together; 0 means no limit."""

    trainings: int = 0
    trainings_per_owner: int = 0
    memory_bytes: float = 0


def next_to_start(
    waiting: Sequence[Load], running: Sequence[Load], last_starts: Mapping[str, float], capacity: Capacity
) -> Load | None:
    """Return the waiting training that may start now; `None` if the next one has to wait.

    Args:
        waiting: The waiting trainings; those of one owner and priority in the order chosen by the owner.
        running: The running trainings.
        last_starts: When the last training of each owner started, on any clock.
        capacity: Limits of the machine.
    """
    if capacity.trainings and len(running) >= capacity.trainings:
        return None
    counts = {owner: sum(load.owner == owner for load in running) for owner in {load.owner for load in waiting}}
    limit = capacity.trainings_per_owner or len(running) + 1
    eligible = [(place, load) for place, load in enumerate(waiting) if counts[load.owner] < limit]
    if not eligible:
        return None
    _, chosen = min(
        eligible,
        key=lambda each: (
            -each[1].priority,
            counts[each[1].owner],
            last_starts.get(each[1].owner, float("-inf")),
            each[0],
        ),
    )
    used = sum(load.memory_bytes for load in running)
    if capacity.memory_bytes and running and used + chosen.memory_bytes > capacity.memory_bytes:
        return None
    return chosen


def forecast(
    waiting: Sequence[Load], running: Sequence[Load], last_starts: Mapping[str, float], capacity: Capacity
) -> list[tuple[Load, float]]:
    """Return the waiting trainings in the order in which they will start, with the seconds until then.

    Args:
        waiting: As for `next_to_start`.
        running: As for `next_to_start`.
        last_starts: As for `next_to_start`, in seconds relative to now, so at most 0.
        capacity: Limits of the machine.
    """
    left, ends, starts = list(waiting), {load.id: (load.seconds, load) for load in running}, dict(last_starts)
    planned: list[tuple[Load, float]] = []
    now = 0.0
    while left:
        chosen = next_to_start(left, [load for _, load in ends.values()], starts, capacity)
        if chosen is not None:
            left.remove(chosen)
            ends[chosen.id] = now + chosen.seconds, chosen
            planned.append((chosen, now))
            starts[chosen.owner] = now + 1e-6 * len(planned)  # later than those that start at the same time
            continue
        first = min(ends, key=lambda load_id: ends[load_id][0])
        now = max(now, ends.pop(first)[0])
    return planned
