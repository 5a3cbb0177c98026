"""Throttle the redraws of metrics to one per second at first, and to one every six seconds later."""

import time

SHARE = 1 / 8
"""Redraw after this share of the time since the start: a long curve changes little within a second."""


class UpdateThrottle:
    """Decide when to redraw. Open pages take processor time from the training; this limits how much.

    Args:
        shortest: Shortest time between two redraws, in seconds.
        longest: Longest time between two redraws, in seconds.
    """

    def __init__(self, shortest: float = 1.0, longest: float = 6.0):
        self._shortest, self._longest = shortest, longest
        self._started = time.monotonic()
        self.next = -float("inf")
        """When the next redraw is due, on the clock of `time.monotonic`."""

    def is_due(self, *, restart: bool = False) -> bool:
        """Return whether a redraw is due; `restart` makes it due and starts over with the shortest time."""
        now = time.monotonic()
        if restart:
            self._started = now
        elif now < self.next:
            return False
        self.next = now + min(self._longest, max(self._shortest, SHARE * (now - self._started)))
        return True
