"""Waiting for a database that is away: its restart must not cost anybody a training."""

import time
from collections.abc import Callable

from charrnn.core.errors import StoreUnavailable

PATIENCE_SECONDS = 600.0
"""How long a database may be away before whoever needs it gives up."""
PAUSE_SECONDS = 1.0


def patiently[T](
    work: Callable[[], T],
    *,
    seconds: Callable[[], float] = lambda: PATIENCE_SECONDS,
    on_wait: Callable[[StoreUnavailable], None] = lambda error: None,
) -> T:
    """Do something with the database; while that is away, try again each second.

    Args:
        work: May be done several times.
        seconds: For how long; asked each time, since one may come to be in a hurry.
        on_wait: Called once, if there is anything to wait for.

    Raises:
        StoreUnavailable: The database was away for longer.
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
