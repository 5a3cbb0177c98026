"""Counts the characters, lines and line ends of a text that streams by. Knows neither files nor encodings."""

from collections.abc import Mapping

import numpy as np

from charrnn.core.codepoints import LIMIT, code_points

HEAD = 2000
ASTRAL = 0x10000


class Census:
    """What was counted so far."""

    def __init__(self) -> None:
        self._counts = np.zeros(LIMIT, np.int64)
        self._line_ends = {"lf": 0, "crlf": 0, "cr": 0}
        self._last = ""
        self.head = ""
        """The first characters, at most `HEAD`."""

    def add_line_ends(self, *, lf: int, crlf: int, cr: int) -> None:
        """Add the line ends of the next piece as they were in the file."""
        self._line_ends["lf"] += lf
        self._line_ends["crlf"] += crlf
        self._line_ends["cr"] += cr

    def add(self, chunk: str) -> None:
        """Count the characters of the next piece."""
        if not chunk:
            return
        points = code_points(chunk)
        # A histogram up to the emoji costs more than the piece itself: the few characters up there are counted apart.
        if points.max() >= ASTRAL:
            points = points.copy()
            high = np.flatnonzero(points >= ASTRAL)
            np.add.at(self._counts, points[high], 1)
            points[high] = 0
            self._counts[0] -= len(high)
        histogram = np.bincount(points)
        self._counts[: len(histogram)] += histogram
        self._last = chunk[-1]
        if len(self.head) < HEAD:
            self.head += chunk[: HEAD - len(self.head)]

    @property
    def num_characters(self) -> int:
        """Characters counted so far."""
        return int(self._counts.sum())

    @property
    def num_lines(self) -> int:
        """Lines so far; the last one needs no line end."""
        return sum(self._line_ends.values()) + (self._last not in ("", "\n", "\r"))

    @property
    def line_ends(self) -> Mapping[str, int]:
        """How many line ends were `lf`, `crlf` and `cr`."""
        return dict(self._line_ends)

    def counts(self) -> dict[str, int]:
        """Return how often each character occurs, most frequent first, ties by code point."""
        points = np.flatnonzero(self._counts)
        order = np.argsort(-self._counts[points], kind="stable")
        return {chr(point): int(self._counts[point]) for point in points[order]}
