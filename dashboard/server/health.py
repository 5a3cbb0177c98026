"""Serve health checks for load balancers and container engines.

`/healthz` responds as long as the event loop runs. `/readyz` checks the database and the disk on a background thread:
if the database hangs, it responds with 503 and delays no other request. Both are public, accept any host name, and
reveal no data.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from tornado.web import RequestHandler

HEALTH, READY = "/healthz", "/readyz"
PATHS = (HEALTH, READY)
CACHE_SECONDS = 2.0
"""How long the result of a check is reused."""
TIMEOUT_SECONDS = 3.0


class Readiness:
    """Checks whether this process can serve requests, one check at a time.

    Args:
        check: Returns a list of problems, one word each; may block.
    """

    def __init__(self, check: Callable[[], list[str]]):
        self._check = check
        self._latest: Future[list[str]] | None = None
        self._started = 0.0

    async def problems(self) -> list[str]:
        """Return the problems; `timeout` if the check takes longer than `TIMEOUT_SECONDS`."""
        now = time.monotonic()
        if self._latest is None or (self._latest.done() and now > self._started + CACHE_SECONDS):
            self._latest, self._started = Future(), now
            # Not a thread pool: at exit, Python would wait for a thread that hangs with the database.
            threading.Thread(target=self._run, args=(self._latest,), name="readiness", daemon=True).start()
        seconds_left = max(0.0, self._started + TIMEOUT_SECONDS - now)
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._latest)), seconds_left)
        except TimeoutError:
            return ["timeout"]

    def _run(self, result: "Future[list[str]]") -> None:
        try:
            result.set_result(self._check())
        except Exception:
            result.set_result(["error"])


class Health(RequestHandler):
    """Serves the liveness check."""

    async def get(self) -> None:
        """Handle GET requests."""
        self._respond(200, "ok")

    async def head(self) -> None:
        """Handle HEAD requests."""
        await self.get()

    def _respond(self, status: int, text: str) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(text + "\n")


class Ready(Health):
    """Serves the readiness check."""

    def initialize(self, readiness: Readiness) -> None:
        """Set the check."""
        self._readiness = readiness

    async def get(self) -> None:
        """Handle GET requests."""
        problems = await self._readiness.problems()
        self._respond(503 if problems else 200, f"not ready: {', '.join(problems)}" if problems else "ok")


def routes(check: Callable[[], list[str]]) -> list[tuple[object, ...]]:
    """Return the routes of both checks."""
    return [(HEALTH, Health), (READY, Ready, {"readiness": Readiness(check)})]
