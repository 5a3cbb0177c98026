"""Retry database operations while the database is away, so that trainings survive its restarts."""

import time
from collections.abc import Callable

from charrnn.core.errors import StoreUnavailable

RETRY_SECONDS = 600.0
"""Time for which operations are retried while the database is away."""
PAUSE_SECONDS = 1.0
"""Time between two attempts. No event announces that a database is back, and each attempt opens a connection."""


def retry_while_away[T](
    work: Callable[[], T],
    *,
    seconds: Callable[[], float] = lambda: RETRY_SECONDS,
    on_wait: Callable[[StoreUnavailable], None] = lambda error: None,
) -> T:
    """Call a function that uses the database; while the database is away, retry every second.

    Args:
        work: The function; may be called several times.
        seconds: Returns how long to retry; called before each retry, because the answer can change.
        on_wait: Called once, before the first retry.

    Raises:
        StoreUnavailable: The database was away for longer than that.
    """
    began, waits = time.monotonic(), False
    while True:
        try:
            return work()
        except StoreUnavailable as error:
            if time.monotonic() - began >= seconds():
                raise
            if not waits:
                on_wait(error)
            waits = True
            time.sleep(PAUSE_SECONDS)
