"""Wait for conditions and ports."""

import socket
import time
from collections.abc import Callable

PATIENCE = 120
"""Seconds that anything may take on a busy machine."""


def wait_until(holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def listens(port: int) -> bool:
    """Return whether a port of this machine is in use."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
