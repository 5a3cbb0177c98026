"""Handle Ctrl-C, SIGTERM and SIGHUP while a training runs: save and stop first; a second Ctrl-C exits at once."""

import os
import signal
from types import FrameType
from typing import Any, Self

SHOW_CURSOR = b"\x1b[?25h\r\n"
"""Escape sequence that shows the cursor, which the progress line hides."""


class StopSignals:
    """Context manager that catches SIGINT, SIGTERM and SIGHUP.

    Ignored signals are caught as well: shells start the background commands of scripts with SIGINT ignored, but
    `kill -INT` should still stop them. An ignored SIGHUP (`nohup`) stays ignored.
    """

    def __init__(self) -> None:
        self.caught: int | None = None
        """The first signal that was caught."""
        self._previous_handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is None or (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
                continue
            self._previous_handlers[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.caught is not None:
            for descriptor in (1, 2):
                if os.isatty(descriptor):
                    os.write(descriptor, SHOW_CURSOR)
            os._exit(exit_code(number))  # a normal exit would wait for the training thread
        if self.caught is None:
            self.caught = number


def exit_code(number: int) -> int:
    """Return the exit code of a command that a signal ended, as shells do."""
    return 128 + number
