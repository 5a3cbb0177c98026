"""Wait for conditions and ports."""

import socket
import time
from collections.abc import Callable

TIMEOUT = 120
"""Seconds that any operation may take on a busy machine."""


def wait_until(condition: Callable[[], object], seconds: float = TIMEOUT) -> None:
    """Wait for a condition that no event announces, such as the state of another process."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not become true in time"
        time.sleep(0.02)


def listens(port: int) -> bool:
    """Return whether a server listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
