"""Delay the guessing of passwords, more with each failure, without locking anybody out."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST_KEPT = 10_000
"""Counters in memory; the ones that were used last are kept."""
FORGOTTEN_SECONDS = 3600.0
LONGEST_SECONDS = 60.0
FREE_OF_ONE = 3
"""Failures of one user from one address before there is a delay."""
FREE_OF_MANY = 30
"""Failures of one user from all addresses, or of all users from one address, before there is a delay."""


@dataclass
class _Failures:
    count: int = 0
    last: float = 0.0


class Throttle:
    """Counts failures for each user at each address, for each user, and for each address.

    The delay doubles with each failure, up to a minute. Attempts during a delay are refused without being counted, so
    an attacker cannot prolong it. A user who logged in from an address before has to wait for failures of this user at
    this address only, whatever else comes from there or is tried elsewhere.

    Args:
        clock: Seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def seconds_left(self, user: str, address: str) -> float:
        """Return how long a user has to wait before the next attempt from an address; 0 if not at all."""
        pair = self._left((user, address), FREE_OF_ONE)
        if (user, address) in self._known:
            return pair
        return max(pair, self._left((user, ""), FREE_OF_MANY), self._left(("", address), FREE_OF_MANY))

    def failed(self, user: str, address: str) -> None:
        """Count a failure."""
        now = self._clock()
        for key in ((user, address), (user, ""), ("", address)):
            found = self._failures.pop(key, None)
            if found is None or now - found.last > FORGOTTEN_SECONDS:
                found = _Failures()
            found.count += 1
            found.last = now
            self._failures[key] = found
        while len(self._failures) > MOST_KEPT:
            self._failures.popitem(last=False)

    def succeeded(self, user: str, address: str) -> None:
        """Take the last failure back, forget those of this user here, and remember that this user logs in from here."""
        self._failures.pop((user, address), None)
        for key in ((user, ""), ("", address)):
            if key in self._failures:
                self._failures[key].count -= 1
        self._known.pop((user, address), None)
        self._known[user, address] = None
        while len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)

    def _left(self, key: tuple[str, str], free: int) -> float:
        found = self._failures.get(key)
        if found is None or found.count <= free:
            return 0.0
        delay = min(LONGEST_SECONDS, 2.0 ** min(found.count - free - 1, 10))
        return max(0.0, found.last + delay - self._clock())
