"""How a text is cut for a benchmark, and how sure a loss is. Knows neither networks nor options."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

TEST = 100_000
"""Characters that are cut off before anything else and only scored."""
CONTEXT = 512
"""Characters before a part that is scored, read without counting."""
BLOCKS = 20
"""Parts of the test part, whose means tell how far its loss is from that of the whole source."""


@dataclass(frozen=True)
class TextSplit:
    """What is trained on, a validation part of the training's own choice included, and what is scored."""

    own: str
    test: str
    before: str
    """What stands before the test part in the source."""


def split_text(text: str, *, characters: int, first: int = 0, test: int = TEST) -> TextSplit:
    """TextSplit the test part off a text's end, and an excerpt of the rest to train on.

    Raises:
        ValueError: The text is too short.
    """
    if first + characters + test > len(text):
        raise ValueError(
            f"The text has {len(text):,} characters; {characters:,} from {first:,} on and {test:,} to score need "
            f"{first + characters + test:,}."
        )
    rest, scored = text[:-test], text[-test:]
    return TextSplit(own=rest[first : first + characters], test=scored, before=rest[-CONTEXT:])


def standard_error(losses: npt.NDArray[Any], blocks: int = BLOCKS) -> float:
    """Return the standard error of the mean of losses in the order of the text, from the means of blocks: neighbouring
    characters are not independent."""
    means = [part.mean() for part in np.array_split(losses, blocks)]
    return float(np.std(means, ddof=1) / math.sqrt(blocks))
