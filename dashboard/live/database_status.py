"""Track whether the database is available: queries may fail, or get no response at all."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from charrnn.core.errors import StoreError

TIMEOUT_SECONDS = 3.0
"""A query that takes longer is reported, although it may still succeed."""
NO_RESPONSE = "The database does not respond."

log = logging.getLogger(__name__)


class DatabaseStatus:
    """The availability of the database, as seen by the hub, which queries it regularly.

    Args:
        on_change: Called from any thread when `message` has changed; must not block.
    """

    def __init__(self, on_change: Callable[[], None]):
        self._on_change = on_change
        self.message = ""
        """Why the database is unavailable; empty while it is available."""
        self._query_started: float | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="dashboard database status", daemon=True)
        self._thread.start()

    def set(self, message: str) -> None:
        """Set why the database is unavailable; an empty message means that it is available."""
        if message != self.message:
            self.message = message
            self._on_change()

    def fail(self, error: StoreError) -> None:
        """Set the message of an error, and log it once, not at each retry."""
        if str(error) != self.message:
            log.warning("%s", error, exc_info=error if error.unexpected else None)
        self.set(str(error))

    @contextmanager
    def query(self) -> Iterator[None]:
        """Query the database inside this context; an error or timeout sets the message, and is not raised."""
        self._query_started = time.monotonic()
        try:
            yield
        except StoreError as error:
            self.fail(error)
        except Exception as error:
            log.error("unexpected error", exc_info=error)
            self.set(f"{type(error).__name__}: see the server's log for details.")
        finally:
            self._query_started = None

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._closing.wait(TIMEOUT_SECONDS / 3):
            started = self._query_started
            if started is not None and time.monotonic() - started > TIMEOUT_SECONDS and not self.message:
                self.set(NO_RESPONSE)
