"""Ends a text before a stop string, also where that string is spread over several pieces."""

from collections.abc import Sequence


class StopString:
    """Watches one text as it is written, a piece at a time.

    Args:
        stop: The string that ends the text; empty never does.
    """

    def __init__(self, stop: str):
        self._stop = stop
        self._text = ""
        self._details: list[Sequence[object]] = []
        self.reached = False

    def release(self, text: str, *details: Sequence[object]) -> tuple[str, list[list[object]]]:
        """Take what was written and give what certainly stands before the stop string.

        Args:
            text: New characters.
            details: Sequences as long as `text`; what they hold for a character is released with it.

        Returns:
            Released characters and, for each sequence of details, what belongs to them.
        """
        self._text += text
        held = self._details or [[] for _ in details]
        self._details = [[*old, *new] for old, new in zip(held, details, strict=True)]
        found = self._text.find(self._stop) if self._stop else -1
        if found >= 0:
            self.reached = True
            return self._give(found)
        return self._give(len(self._text) - self._possible_beginning())

    def rest(self) -> tuple[str, list[list[object]]]:
        """Give what was held back, when no more is written."""
        return self._give(0 if self.reached else len(self._text))

    def _possible_beginning(self) -> int:
        """How many characters at the end may be the beginning of the stop string."""
        longest = min(len(self._stop) - 1, len(self._text))
        return next((n for n in range(longest, 0, -1) if self._text.endswith(self._stop[:n])), 0)

    def _give(self, count: int) -> tuple[str, list[list[object]]]:
        given = self._text[:count], [list(detail[:count]) for detail in self._details]
        self._text, self._details = self._text[count:], [detail[count:] for detail in self._details]
        return given
