"""End generated text before a stop string, even if the string is split across chunks."""

from collections.abc import Sequence


class StopString:
    """Hold back characters of a streamed text that may belong to the stop string.

    Args:
        stop: The string that ends the text; if empty, the text never ends early.
    """

    def __init__(self, stop: str):
        self._stop = stop
        self._text = ""
        self._details: list[Sequence[object]] = []
        self.reached = False

    def feed(self, text: str, *details: Sequence[object]) -> tuple[str, list[list[object]]]:
        """Add characters, and return those that cannot be part of the stop string.

        Args:
            text: New characters.
            details: Sequences with one item for each of these characters.

        Returns:
            The released characters and, for each sequence of details, the items that belong to them.
        """
        self._text += text
        held = self._details or [[] for _ in details]
        self._details = [[*old, *new] for old, new in zip(held, details, strict=True)]
        found = self._text.find(self._stop) if self._stop else -1
        if found >= 0:
            self.reached = True
            return self._take(found)
        return self._take(len(self._text) - self._num_held())

    def flush(self) -> tuple[str, list[list[object]]]:
        """Return the characters held back and their details, at the end of the text."""
        return self._take(0 if self.reached else len(self._text))

    def _num_held(self) -> int:
        """Return the number of characters at the end that may be the beginning of the stop string."""
        longest = min(len(self._stop) - 1, len(self._text))
        return next((n for n in range(longest, 0, -1) if self._text.endswith(self._stop[:n])), 0)

    def _take(self, count: int) -> tuple[str, list[list[object]]]:
        taken = self._text[:count], [list(detail[:count]) for detail in self._details]
        self._text, self._details = self._text[count:], [detail[count:] for detail in self._details]
        return taken
