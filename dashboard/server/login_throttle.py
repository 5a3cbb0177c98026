"""Slow down password guessing, more with each failure, without locking users out."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MAX_COUNTERS = 10_000
"""Counters in memory; the least recently used ones are dropped."""
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


class LoginThrottle:
    """Counts failures per user and address, per user, and per address.

    The delay doubles with each failure, up to a minute. Attempts during a delay are rejected without being counted, so
    that an attacker cannot prolong it. A user who logged in from an address before is only delayed by failures of this
    user at this address.

    Args:
        clock: Returns seconds that never decrease.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def seconds_left(self, user: str, address: str) -> float:
        """Return the delay in seconds before a user's next attempt from an address; 0 if there is none."""
        pair = self._left((user, address), FREE_OF_ONE)
        if (user, address) in self._known:
            return pair
        return max(pair, self._left((user, ""), FREE_OF_MANY), self._left(("", address), FREE_OF_MANY))

    def failed(self, user: str, address: str) -> None:
        """Count a failed attempt."""
        now = self._clock()
        for key in ((user, address), (user, ""), ("", address)):
            found = self._failures.pop(key, None)
            if found is None or now - found.last > FORGOTTEN_SECONDS:
                found = _Failures()
            found.count += 1
            found.last = now
            self._failures[key] = found
        while len(self._failures) > MAX_COUNTERS:
            self._failures.popitem(last=False)

    def succeeded(self, user: str, address: str) -> None:
        """Uncount the last failure, reset the counter of this user and address, and remember the address."""
        self._failures.pop((user, address), None)
        for key in ((user, ""), ("", address)):
            if key in self._failures:
                self._failures[key].count -= 1
        self._known.pop((user, address), None)
        self._known[user, address] = None
        while len(self._known) > MAX_COUNTERS:
            self._known.popitem(last=False)

    def _left(self, key: tuple[str, str], free: int) -> float:
        found = self._failures.get(key)
        if found is None or found.count <= free:
            return 0.0
        delay = min(LONGEST_SECONDS, 2.0 ** min(found.count - free - 1, 10))
        return max(0.0, found.last + delay - self._clock())
