"""Compute n-gram and compression baselines of a text, to compare a network's loss with."""

import lzma
import math
from dataclasses import dataclass
from typing import TextIO

import numpy as np
import numpy.typing as npt

from charrnn.core.codepoints import code_points
from charrnn.core.errors import TextError

LIMIT = 2_000_000
"""Maximum number of characters that are evaluated, from the beginning. More would hardly change the results, but xz
would take seconds."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Baselines:
    """Baselines in nats per character.

    They are fitted to the text that they score, so on a short text, those with long contexts memorize it.
    """

    uniform: float
    """All distinct characters are equally likely."""
    unigram: float
    """The frequency of each character."""
    bigram: float
    """The frequency of each character, given the previous one."""
    trigram: float
    """The frequency of each character, given the previous two."""
    xz: float
    """The size of the text compressed by xz."""
    num_characters: int
    """Characters evaluated, at most `LIMIT`."""
    whole: bool
    """Whether the whole text was evaluated."""


def baselines(text: TextIO) -> Baselines:
    """Compute the baselines of the beginning of a text.

    Raises:
        TextError: The text is empty.
    """
    sample = text.read(LIMIT)
    if not sample:
        raise TextError("This text is empty, so it has no baselines. Choose another text.")
    distinct, ids = np.unique(code_points(sample), return_inverse=True)
    ids = ids.astype(np.int64)
    return Baselines(
        uniform=math.log(len(distinct)),
        unigram=_conditional_entropy(np.zeros_like(ids), ids),
        bigram=_conditional_entropy(ids[:-1], ids[1:]),
        # There are at most 0x110000 characters, so a pair and its successor fit into 64 bits.
        trigram=_conditional_entropy(ids[:-2] * len(distinct) + ids[1:-1], ids[2:]),
        xz=len(lzma.compress(sample.encode())) * 8 * math.log(2) / len(sample),
        num_characters=len(sample),
        whole=not text.read(1),
    )


def _conditional_entropy(contexts: Numbers, followers: Numbers) -> float:
    """Return the mean of -ln p(follower | context); 0 if the text is too short to have any pair."""
    if not len(followers):
        return 0.0
    size = int(followers.max()) + 1
    _, joint = np.unique(contexts * size + followers, return_counts=True)
    _, alone = np.unique(contexts, return_counts=True)
    # H(follower | context) = H(context, follower) - H(context)
    return float((np.log(alone) @ alone - np.log(joint) @ joint) / len(followers))
