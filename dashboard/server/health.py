"""Serve health checks for load balancers and container engines.

`/healthz` responds as long as the event loop runs. `/readyz` checks the database and the disk on a background thread:
a database that hangs makes it respond 503, and delays nothing else. Both respond to everybody, under any host name,
and reveal no data.
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
"""A result is reused for this long."""
TIMEOUT_SECONDS = 3.0


class Readiness:
    """Checks whether this process can serve, one check at a time.

    Args:
        check: Returns the problems, one word each; may block.
    """

    def __init__(self, check: Callable[[], list[str]]):
        self._check = check
        self._latest: Future[list[str]] | None = None
        self._begun = 0.0

    async def problems(self) -> list[str]:
        """Return the problems; a check that takes longer than `TIMEOUT_SECONDS` is one."""
        now = time.monotonic()
        if self._latest is None or (self._latest.done() and now > self._begun + FRESH_SECONDS):
            self._latest, self._begun = Future(), now
            # No thread pool: at exit, Python would wait for a thread that waits for the database.
            threading.Thread(target=self._run, args=(self._latest,), name="readiness", daemon=True).start()
        left = max(0.0, self._begun + TIMEOUT_SECONDS - now)
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
    """Responds that the process is alive."""

    async def get(self) -> None:
        """Respond."""
        self._respond(200, "ok")

    async def head(self) -> None:
        """Respond without a body."""
        await self.get()

    def _respond(self, status: int, text: str) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(text + "\n")


class Ready(Health):
    """Responds whether this process can serve."""

    def initialize(self, readiness: Readiness) -> None:
        """Set the check."""
        self._readiness = readiness

    async def get(self) -> None:
        """Respond."""
        problems = await self._readiness.problems()
        self._respond(503 if problems else 200, f"not ready: {', '.join(problems)}" if problems else "ok")


def routes(check: Callable[[], list[str]]) -> list[tuple[object, ...]]:
    """Return the routes for a server."""
    return [(HEALTH, Health), (READY, Ready, {"readiness": Readiness(check)})]
