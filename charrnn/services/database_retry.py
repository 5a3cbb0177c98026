"""Retry database operations while the database is unavailable, so that trainings survive its restarts."""

import time
from collections.abc import Callable

from charrnn.core.errors import StoreUnavailable

RETRY_SECONDS = 600.0
"""Time for which operations are retried while the database is unavailable."""
PAUSE_SECONDS = 1.0
"""Time between two attempts. There is no event for a recovered database, and each attempt opens a connection."""


def retry_while_unavailable[T](
    work: Callable[[], T],
    *,
    seconds: Callable[[], float] = lambda: RETRY_SECONDS,
    on_wait: Callable[[StoreUnavailable], None] = lambda error: None,
) -> T:
    """Call a function that uses the database; while the database is unavailable, retry every second.

    Args:
        work: The function; may be called several times.
        seconds: Returns how long to retry; called before each retry, because the time can change.
        on_wait: Called once, before the first retry.

    Raises:
        StoreUnavailable: The database was unavailable for longer than `seconds`.
    """
    started, is_waiting = time.monotonic(), False
    while True:
        try:
            return work()
        except StoreUnavailable as error:
            if time.monotonic() - started >= seconds():
                raise
            if not is_waiting:
                on_wait(error)
            is_waiting = True
            time.sleep(PAUSE_SECONDS)
