"""Split texts for benchmarks, and estimate the standard error of a loss."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

TEST_CHARACTERS = 100_000
"""Length of the test split."""
CONTEXT_CHARACTERS = 512
"""Number of characters before the test split that are read as context; their losses are not counted."""
BLOCKS = 20
"""Number of blocks of the test split, from whose mean losses the standard error is estimated."""

MAX_PIECES = 5
"""Maximum number of pieces of the test split that models which continue to learn are scored on."""


@dataclass(frozen=True)
class TextSplit:
    """A text to train and validate on, and a test split of the same source."""

    train: str
    """The text for the training, which splits off its own validation part."""
    test: str
    context: str
    """The characters before the test split in the source."""


def split_text(text: str, *, characters: int, first: int = 0, test: int = TEST_CHARACTERS) -> TextSplit:
    """Split off the end of a text for testing, and an excerpt of the rest for training.

    Args:
        text: The source.
        characters: Length of the excerpt.
        first: Position of the excerpt in the source.
        test: Length of the test split.

    Raises:
        ValueError: The text is too short.
    """
    if first + characters + test > len(text):
        raise ValueError(
            f"The text has {len(text):,} characters, but an excerpt of {characters:,} from position {first:,} and a "
            f"test split of {test:,} need {first + characters + test:,}."
        )
    rest = text[:-test]
    return TextSplit(train=rest[first : first + characters], test=text[-test:], context=rest[-CONTEXT_CHARACTERS:])


def test_pieces(parts: TextSplit) -> list[str]:
    """Return evenly spaced pieces of the test split for models that continue to learn while they read.

    Each piece is as long as a tenth of the training text, because a reported loss is usually that of the last tenth.
    """
    length = min(len(parts.test), max(1, len(parts.train) // 10))
    count = min(MAX_PIECES, len(parts.test) // length)
    starts = [(len(parts.test) - length) * number // max(count - 1, 1) for number in range(count)]
    return [parts.test[start : start + length] for start in starts]


def standard_error(losses: npt.NDArray[Any], blocks: int = BLOCKS) -> float:
    """Estimate the standard error of a mean loss from the means of consecutive blocks.

    Blocks are used because the losses of neighboring characters are correlated.

    Args:
        losses: The losses of the characters, in the order of the text.
        blocks: Number of blocks.
    """
    means = [block.mean() for block in np.array_split(losses, blocks)]
    return float(np.std(means, ddof=1) / math.sqrt(blocks))
