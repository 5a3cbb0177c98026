"""Track whether the database can be reached: it may refuse a query, which is an error, or not answer at all."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from charrnn.core.errors import StoreError

SILENT_SECONDS = 3.0
"""A query that takes longer counts as unanswered, though the answer may still come."""
NO_ANSWER = "The database does not answer."

log = logging.getLogger(__name__)


class DatabaseStatus:
    """The state of the database, as seen by whatever queries it regularly.

    Args:
        on_change: Called from any thread when `message` has changed; must return at once.
    """

    def __init__(self, on_change: Callable[[], None]):
        self._on_change = on_change
        self.message = ""
        """Why the database cannot be reached; empty while it can."""
        self._query_started: float | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="dashboard database status", daemon=True)
        self._thread.start()

    def set(self, message: str) -> None:
        """Set why the database cannot be reached; an empty message means that it can."""
        if message != self.message:
            self.message = message
            self._on_change()

    def fail(self, error: StoreError) -> None:
        """Set the message of an error; the server's log gets it once, not at each retry."""
        if str(error) != self.message:
            log.warning("%s", error, exc_info=error if error.unexpected else None)
        self.set(str(error))

    @contextmanager
    def query(self) -> Iterator[None]:
        """Query the database inside this context; an error or a long silence sets the message, and is not raised."""
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
        while not self._closing.wait(SILENT_SECONDS / 3):
            started = self._query_started
            if started is not None and time.monotonic() - started > SILENT_SECONDS and not self.message:
                self.set(NO_ANSWER)
