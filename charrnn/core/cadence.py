"""At which steps a training validates, saves and writes samples: a pure function of its options, so that a resumed
training does all of it where an uninterrupted one does."""

from collections.abc import Iterator


def is_due(step: int, every: int, cadence: str) -> bool:
    """Tell whether something that is done every so often is due after a step.

    Args:
        step: Steps done, from 1.
        every: Steps between two times; 0 is never.
        cadence: `even`, or `log`: also at 1, 2, 5, 10, 20, 50, … below `every`.
    """
    if not every:
        return False
    return step % every == 0 or (cadence == "log" and step < every and step in set(_series(every)))


def num_due(steps: int, every: int, cadence: str) -> int:
    """Return how often that is within some steps, the last one included, where all of it is done."""
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
