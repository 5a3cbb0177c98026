"""What simple guessers reach on a text: the figures that make a network's loss mean something."""

import lzma
import math
from dataclasses import dataclass
from typing import TextIO

import numpy as np
import numpy.typing as npt

from charrnn.core.codepoints import code_points
from charrnn.core.errors import TextError

LIMIT = 2_000_000
"""Characters looked at: more would change the figures little, and take xz seconds."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Baselines:
    """Nats per character of guessers that know the text itself; longer contexts know a short text by heart."""

    uniform: float
    """All of the text's characters are equally likely."""
    letters: float
    """Knows how often each character occurs."""
    bigram: float
    """Knows how often each follows the one before."""
    trigram: float
    """Knows how often each follows the two before."""
    xz: float
    """The size of the text when xz has packed it."""
    num_characters: int
    """Characters that the figures are of: the beginning of the text, at most `LIMIT`."""
    whole: bool
    """Whether that is all of the text."""


def baselines(text: TextIO) -> Baselines:
    """Measure the beginning of a text.

    Raises:
        TextError: It is empty.
    """
    sample = text.read(LIMIT)
    if not sample:
        raise TextError("This text is empty: there is nothing to compare with. Take another one.")
    distinct, ids = np.unique(code_points(sample), return_inverse=True)
    ids = ids.astype(np.int64)
    return Baselines(
        uniform=math.log(len(distinct)),
        letters=_conditional_entropy(np.zeros_like(ids), ids),
        bigram=_conditional_entropy(ids[:-1], ids[1:]),
        # 0x110000 characters at most, so that a pair and what follows it fit into 64 bits.
        trigram=_conditional_entropy(ids[:-2] * len(distinct) + ids[1:-1], ids[2:]),
        xz=len(lzma.compress(sample.encode())) * 8 * math.log(2) / len(sample),
        num_characters=len(sample),
        whole=not text.read(1),
    )


def _conditional_entropy(contexts: Numbers, followers: Numbers) -> float:
    """Return the mean of -ln p(follower | context) over a text, 0 where it is too short to have any."""
    if not len(followers):
        return 0.0
    size = int(followers.max()) + 1
    _, joint = np.unique(contexts * size + followers, return_counts=True)
    _, alone = np.unique(contexts, return_counts=True)
    # H(follower | context) = H(context, follower) - H(context)
    return float((np.log(alone) @ alone - np.log(joint) @ joint) / len(followers))
