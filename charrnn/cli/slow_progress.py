"""Display the progress of an operation that takes longer than a second."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

DELAY, INTERVAL = 1.0, 0.25
"""Seconds before the first display, and between two."""


@contextmanager
def slow_progress(label: str) -> Iterator[Callable[[float], None]]:
    """Yield a function that shows a completed fraction on standard error, if it is a terminal, after one second."""
    shown_at, is_shown = time.monotonic() + DELAY - INTERVAL, False

    def show(fraction: float) -> None:
        nonlocal shown_at, is_shown
        if sys.stderr.isatty() and time.monotonic() - shown_at >= INTERVAL:
            shown_at, is_shown = time.monotonic(), True
            print(f"\r{label}: {fraction:.0%}", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        if is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
