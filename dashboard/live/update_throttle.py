"""Throttle redraws of metrics to one per second at first, and to one every six seconds later."""

import time

FRACTION = 1 / 8
"""Interval between redraws as a fraction of the time since the start: a long curve changes little within a second."""


class UpdateThrottle:
    """Decides when to redraw. This limits how much CPU time open pages take from a training.

    Args:
        shortest: Shortest interval between two redraws, in seconds.
        longest: Longest interval between two redraws, in seconds.
    """

    def __init__(self, shortest: float = 1.0, longest: float = 6.0):
        self._shortest, self._longest = shortest, longest
        self._started = time.monotonic()
        self.next = -float("inf")
        """When the next redraw is due, on the clock of `time.monotonic`."""

    def is_due(self, *, restart: bool = False) -> bool:
        """Return whether a redraw is due; `restart` makes it due, and starts over with the shortest interval."""
        now = time.monotonic()
        if restart:
            self._started = now
        elif now < self.next:
            return False
        self.next = now + min(self._longest, max(self._shortest, FRACTION * (now - self._started)))
        return True
