"""Whether the database can be reached: it may refuse, which is an error, or keep silent, which only time tells."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from charrnn.core.errors import StoreError

SILENT_SECONDS = 3.0
"""After so long a question counts as not answered, though the answer may still come."""
NO_ANSWER = "The database does not answer."

log = logging.getLogger(__name__)


class Outage:
    """Watches over what asks the database all the time, and tells when it begins and ends to get answers.

    Args:
        tell: Called from any thread when `words` has changed; must return at once.
    """

    def __init__(self, tell: Callable[[], None]):
        self._tell = tell
        self.words = ""
        """Why the database cannot be reached; empty while it can."""
        self._asked: float | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="dashboard outage", daemon=True)
        self._thread.start()

    def say(self, words: str) -> None:
        """Tell that the database cannot be reached, or, without words, that it can."""
        if words != self.words:
            self.words = words
            self._tell()

    def fail(self, error: StoreError) -> None:
        """Tell that the database refused; its words go to the server's log once, not at each try."""
        if str(error) != self.words:
            log.warning("%s", error, exc_info=error if error.unexpected else None)
        self.say(str(error))

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask the database something; it is told when that fails or takes long. Who asks goes on in each case."""
        self._asked = time.monotonic()
        try:
            yield
        except StoreError as error:
            self.fail(error)
        except Exception as error:
            log.error("unexpected error", exc_info=error)
            self.say(f"{type(error).__name__}: the server's log says more.")
        finally:
            self._asked = None

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._closing.wait(SILENT_SECONDS / 3):
            asked = self._asked
            if asked is not None and time.monotonic() - asked > SILENT_SECONDS and not self.words:
                self.say(NO_ANSWER)
