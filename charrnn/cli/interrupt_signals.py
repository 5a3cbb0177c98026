"""Handle Ctrl-C, SIGTERM and SIGHUP while a training runs: save and stop first; a second Ctrl-C exits at once."""

import os
import signal
from types import FrameType
from typing import Any, Self

SHOW_CURSOR = b"\x1b[?25h\r\n"
"""Shows the cursor, which the progress line hides."""


class StopSignals:
    """Context manager that catches these signals.

    Ignored signals are caught as well, because shells start the background commands of scripts with SIGINT ignored and
    `kill -INT` should still reach them. An ignored SIGHUP (`nohup`) stays ignored.
    """

    def __init__(self) -> None:
        self.caught: int | None = None
        """The first signal that was caught."""
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is None or (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
                continue
            self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
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
