"""How often something is drawn anew: numbers that change many times a second need no more than one look a second."""

import time


class Pace:
    """Says when it is time again.

    Args:
        seconds: Shortest time between two times.
    """

    def __init__(self, seconds: float = 1.0):
        self._seconds, self._last = seconds, -float("inf")

    def is_due(self, *, hurry: bool = False) -> bool:
        """Tell whether it is time, or there is a reason to hurry; then the next time is `seconds` away."""
        now = time.monotonic()
        if not hurry and now < self._last + self._seconds:
            return False
        self._last = now
        return True
