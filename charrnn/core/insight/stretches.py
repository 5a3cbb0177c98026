"""Cut a text into stretches that a network reads in parallel, each after a warm-up.

R  stretches     N  characters of each
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn.core.codepoints import code_points
from charrnn.core.errors import TextError
from charrnn.core.insight.association import Array
from charrnn.core.insight.text_features import Feature
from charrnn.core.vocabulary import Vocabulary

MAX_CHARACTERS = 32_768
"""Maximum number of characters that count, in all stretches."""
MAX_STRETCHES = 32
MIN_STRETCH = 256
MIN_CHARACTERS = 2 * MIN_STRETCH
"""Minimum number of characters of a text."""
MAX_ACTIVATIONS = 64_000_000
"""Maximum number of activations in memory, 256 MB; of a large network, fewer characters are read."""
WARM_UP = 128
"""Characters that are read before each stretch, if the text has as many."""


@dataclass(frozen=True)
class Stretches:
    """Stretches of a text, evenly distributed over it.

    Args:
        text: The text.
        starts: First position of each stretch, shape `(R,)`.
        length: N.
        warm_up: Characters before each stretch that are read, but do not count.
    """

    text: str
    starts: npt.NDArray[np.int64]
    length: int
    warm_up: int

    @classmethod
    def of(cls, text: str, num_units: int) -> "Stretches":
        """Cut a text into stretches.

        Args:
            text: At least MIN_CHARACTERS characters.
            num_units: Number of units of the network, which limits the number of characters.

        Raises:
            TextError: The text is too short.
        """
        if len(text) < MIN_CHARACTERS:
            raise TextError(
                f"The text has {len(text):,} characters; at least {MIN_CHARACTERS} are needed to search for units. "
                f"Give a longer text."
            )
        warm_up = min(WARM_UP, len(text) // 8)
        available = len(text) - warm_up - 1
        wanted = min(available, MAX_CHARACTERS, max(MIN_CHARACTERS, MAX_ACTIVATIONS // num_units))
        stretches = max(2, min(MAX_STRETCHES, wanted // MIN_STRETCH // 2 * 2))
        length = wanted // stretches
        starts = warm_up + np.arange(stretches) * ((available - length) // (stretches - 1))
        return cls(text, starts, length, warm_up)

    @property
    def num_characters(self) -> int:
        """Number of characters that count."""
        return len(self.starts) * self.length

    def rows(self, vocabulary: Vocabulary) -> npt.NDArray[np.int32]:
        """Return the ids to read, shape `(R, warm_up + N + 1)`."""
        ids = vocabulary.encode(self.text).astype(np.int32)
        before = np.arange(-self.warm_up, self.length + 1)
        rows: npt.NDArray[np.int32] = ids[self.starts[:, None] + before]
        return rows

    def characters(self) -> npt.NDArray[np.uint32]:
        """Return the code points that count, shape `(R · N,)`, one stretch after another."""
        points: npt.NDArray[np.uint32] = code_points(self.text)[self._positions()]
        return points

    def values(self, feature: Feature) -> Array:
        """Return the values of a feature, shape `(R · N,)`."""
        values: Array = feature.array(self.text)[self._positions()]
        return values

    def _positions(self) -> npt.NDArray[np.int64]:
        positions: npt.NDArray[np.int64] = (self.starts[:, None] + np.arange(self.length)).reshape(-1)
        return positions
