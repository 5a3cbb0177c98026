"""Count the characters, lines and line endings of a text as it is read in chunks."""

from collections.abc import Mapping

import numpy as np

from charrnn.core.codepoints import NUM_CODE_POINTS, code_points

HEAD = 2000
ASTRAL = 0x10000


class TextStatistics:
    """Counts over the chunks added so far."""

    def __init__(self) -> None:
        self._counts = np.zeros(NUM_CODE_POINTS, np.int64)
        self._line_endings = {"lf": 0, "crlf": 0, "cr": 0}
        self._last = ""
        self.head = ""
        """The first characters, at most `HEAD`."""

    def add_line_endings(self, *, lf: int, crlf: int, cr: int) -> None:
        """Add the line endings of the next chunk, as they were in the file."""
        self._line_endings["lf"] += lf
        self._line_endings["crlf"] += crlf
        self._line_endings["cr"] += cr

    def add(self, chunk: str) -> None:
        """Count the characters of the next chunk."""
        if not chunk:
            return
        points = code_points(chunk)
        # A histogram of all code points takes longer than the rest, so the few from `ASTRAL` on are counted separately.
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
        """Number of lines so far; the last one needs no line ending."""
        return sum(self._line_endings.values()) + (self._last not in ("", "\n", "\r"))

    @property
    def line_endings(self) -> Mapping[str, int]:
        """The number of `lf`, `crlf` and `cr` line endings."""
        return dict(self._line_endings)

    def counts(self) -> dict[str, int]:
        """Return the number of occurrences of each character, most frequent first, ties by code point."""
        points = np.flatnonzero(self._counts)
        order = np.argsort(-self._counts[points], kind="stable")
        return {chr(point): int(self._counts[point]) for point in points[order]}
