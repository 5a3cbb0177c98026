"""How often numbers are told: those that change many times a second need no more than one look a second."""

import time

SHARE = 1 / 8
"""Part of the time since it began for which a picture may stay as it is."""


class Pace:
    """Says when it is time again: often at first, then more and more rarely, since what is long changes less.

    Pages that are watched take processor time from the training, so this also bounds what watching costs.

    Args:
        seconds: Shortest time between two times.
        most: Longest one.
    """

    def __init__(self, seconds: float = 1.0, most: float = 6.0):
        self._seconds, self._most = seconds, most
        self._began = time.monotonic()
        self.next = -float("inf")
        """When it is time again, on the clock of `time.monotonic`."""

    def is_due(self, *, hurry: bool = False) -> bool:
        """Tell whether it is time, or there is a reason to hurry, with which the pace begins anew."""
        now = time.monotonic()
        if hurry:
            self._began = now
        elif now < self.next:
            return False
        self.next = now + min(self._most, max(self._seconds, SHARE * (now - self._began)))
        return True
