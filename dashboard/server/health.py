"""Answer load balancers and container engines: is the process alive, and can it serve?

`/healthz` answers as long as the event loop turns. `/readyz` asks the database and the disk, on a thread of its own: a
frozen database makes it answer 503, and delays nothing else. Both answer anybody, under any name, and tell no data.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from tornado.web import RequestHandler

HEALTH, READY = "/healthz", "/readyz"
PATHS = (HEALTH, READY)
FRESH_SECONDS = 2.0
"""An answer is given again for this long, however many ask."""
PATIENCE_SECONDS = 3.0


class Readiness:
    """Checks whether this process can serve; one check at a time.

    Args:
        check: Returns what is wrong, in a word each; may take as long as it likes.
    """

    def __init__(self, check: Callable[[], list[str]]):
        self._check = check
        self._latest: Future[list[str]] | None = None
        self._begun = 0.0

    async def problems(self) -> list[str]:
        """Return what is wrong; a check that takes longer than `PATIENCE_SECONDS` is wrong, too."""
        now = time.monotonic()
        if self._latest is None or (self._latest.done() and now > self._begun + FRESH_SECONDS):
            self._latest, self._begun = Future(), now
            # not a pool's: Python would wait at its end for a thread that waits for a frozen database
            threading.Thread(target=self._run, args=(self._latest,), name="readiness", daemon=True).start()
        left = max(0.0, self._begun + PATIENCE_SECONDS - now)
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._latest)), left)
        except TimeoutError:
            return ["timeout"]

    def _run(self, result: "Future[list[str]]") -> None:
        try:
            result.set_result(self._check())
        except Exception:
            result.set_result(["error"])


class Health(RequestHandler):
    """Answers that the process is alive."""

    async def get(self) -> None:
        """Answer."""
        self._say(200, "ok")

    async def head(self) -> None:
        """Answer without a body."""
        await self.get()

    def _say(self, status: int, words: str) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(words + "\n")


class Ready(Health):
    """Answers whether this process can serve."""

    def initialize(self, readiness: Readiness) -> None:
        """Take the checks."""
        self._readiness = readiness

    async def get(self) -> None:
        """Answer."""
        problems = await self._readiness.problems()
        self._say(503 if problems else 200, f"not ready: {', '.join(problems)}" if problems else "ok")


def routes(check: Callable[[], list[str]]) -> list[tuple[object, ...]]:
    """Return the routes for a server."""
    return [(HEALTH, Health), (READY, Ready, {"readiness": Readiness(check)})]
