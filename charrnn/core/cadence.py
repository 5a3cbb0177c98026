"""Decide at which steps a training validates, saves checkpoints and generates samples.

The steps depend only on the options, so a resumed training uses the same steps as an uninterrupted one.
"""

from collections.abc import Iterator


def is_due(step: int, every: int, cadence: str) -> bool:
    """Return whether a periodic action is due after a step.

    Args:
        step: Number of completed steps, at least 1.
        every: Interval in steps; 0 disables the action.
        cadence: `even` for multiples of `every`; `log` adds steps 1, 2, 5, 10, 20, 50, … below `every`.
    """
    if not every:
        return False
    return step % every == 0 or (cadence == "log" and step < every and step in set(_series(every)))


def num_due(steps: int, every: int, cadence: str) -> int:
    """Return how many times an action is due within a training of `steps` steps; it is always due at the last step."""
    if not every:
        return 0
    early = sum(1 for step in _series(min(every, steps)) if step < steps) if cadence == "log" else 0
    return early + -(-steps // every)


def _series(end: int) -> Iterator[int]:
    """Yield 1, 2, 5, 10, 20, 50, … below `end`."""
    power = 1
    while power < end:
        yield from (step for step in (power, 2 * power, 5 * power) if step < end)
        power *= 10
