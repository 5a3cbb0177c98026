"""Ctrl-C, SIGTERM and a closed terminal while a training runs: the first asks it to save, a second Ctrl-C ends all."""

import os
import signal
from types import FrameType
from typing import Any, Self

SHOW_CURSOR = b"\x1b[?25h\r\n"
"""The progress line hides it."""


class StopSignals:
    """Takes these signals over between `with` and its end.

    Signals that were ignored are taken, too, but for a closed terminal (`nohup`): shells start background commands of a
    script with Ctrl-C ignored, and `kill -INT` shall reach them.
    """

    def __init__(self) -> None:
        self.caught: int | None = None
        """The first signal that came."""
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
            os._exit(exit_code(number))  # nothing is closed: the training's thread would be waited for
        if self.caught is None:
            self.caught = number


def exit_code(number: int) -> int:
    """Return the exit code of a command that a signal ended, as shells count."""
    return 128 + number
