"""Slow down password guessing: each failed attempt doubles the delay, but users are never locked out."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MAX_COUNTERS = 10_000
"""Maximum number of counters in memory; the least recently used ones are dropped."""
RESET_SECONDS = 3600.0
"""A counter is reset this long after its last failure."""
MAX_DELAY_SECONDS = 60.0
UNDELAYED_FAILURES = 3
"""Failed attempts of one user from one address that cause no delay."""
UNDELAYED_SHARED_FAILURES = 30
"""Failed attempts of one user from all addresses, or of all users from one address, that cause no delay."""


@dataclass
class _Failures:
    count: int = 0
    last: float = 0.0


class LoginThrottle:
    """Counts failed attempts per user and address, per user, and per address.

    The delay doubles with each failure, up to a minute. Attempts during a delay are rejected without being counted, so
    that an attacker cannot extend it. A user who has logged in from an address before is only delayed by failures of
    this user from this address.

    Args:
        clock: A monotonic clock, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def seconds_left(self, user: str, address: str) -> float:
        """Return the seconds until a user may try again from an address; 0 if there is no delay."""
        pair = self._left((user, address), UNDELAYED_FAILURES)
        if (user, address) in self._known:
            return pair
        return max(
            pair,
            self._left((user, ""), UNDELAYED_SHARED_FAILURES),
            self._left(("", address), UNDELAYED_SHARED_FAILURES),
        )

    def failed(self, user: str, address: str) -> None:
        """Count a failed attempt."""
        now = self._clock()
        for key in ((user, address), (user, ""), ("", address)):
            failures = self._failures.pop(key, None)
            if failures is None or now - failures.last > RESET_SECONDS:
                failures = _Failures()
            failures.count += 1
            failures.last = now
            self._failures[key] = failures
        while len(self._failures) > MAX_COUNTERS:
            self._failures.popitem(last=False)

    def succeeded(self, user: str, address: str) -> None:
        """Remove the attempt from the counters, reset the one of this user and address, and remember the address."""
        self._failures.pop((user, address), None)
        for key in ((user, ""), ("", address)):
            if key in self._failures:
                self._failures[key].count -= 1
        self._known.pop((user, address), None)
        self._known[user, address] = None
        while len(self._known) > MAX_COUNTERS:
            self._known.popitem(last=False)

    def _left(self, key: tuple[str, str], free: int) -> float:
        failures = self._failures.get(key)
        if failures is None or failures.count <= free:
            return 0.0
        delay = min(MAX_DELAY_SECONDS, 2.0 ** min(failures.count - free - 1, 10))
        return max(0.0, failures.last + delay - self._clock())
