"""Compute baselines without a network for the test split of a text, in nats per character.

Bigram and trigram models are static: like a trained network, they learn from the training text only. xz and PPMd also
adapt to the text they compress, so they are to be compared with a network that does, too (dynamic evaluation), on the
same pieces of the test split.
"""

import lzma
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from peers.text_split import TextSplit, test_pieces

ORDERS = 2, 3, 4, 5, 6, 8, 12
"""Context lengths of PPMd, in bytes; the lowest loss is reported."""
MEMORY = 256 << 20
"""Memory limit of PPMd in bytes; no text of the benchmarks needs more."""


@dataclass(frozen=True)
class TextBaselines:
    """Losses on the test split, in nats per character."""

    bigram: float
    trigram: float
    xz: float
    ppmd: float


def text_baselines(parts: TextSplit) -> TextBaselines:
    """Compute all baselines."""
    return TextBaselines(
        bigram=ngram_loss(parts, 1),
        trigram=ngram_loss(parts, 2),
        xz=compression_loss(parts, lambda text: len(lzma.compress(text, preset=9))),
        ppmd=ppmd_loss(parts),
    )


def ppmd_loss(parts: TextSplit) -> float:
    """Return the loss of PPMd (variant H; Shkarin 2002)."""
    import pyppmd  # imported here, because the other baselines do not need this package

    def compressed_size(order: int) -> Callable[[bytes], int]:
        return lambda text: len(pyppmd.compress(text, max_order=order, mem_size=MEMORY, variant="H"))

    return min(compression_loss(parts, compressed_size(order)) for order in ORDERS)


def compression_loss(parts: TextSplit, compressed_size: Callable[[bytes], int]) -> float:
    """Return how much pieces of the test split add to the compressed training text, in nats per character.

    Args:
        parts: The text.
        compressed_size: Returns the size of a compressed text, in bytes.
    """
    train, pieces = parts.train.encode(), test_pieces(parts)
    before = compressed_size(train)
    added = [compressed_size(train + piece.encode()) - before for piece in pieces]
    return sum(added) * 8 * math.log(2) / sum(map(len, pieces))


def ngram_loss(parts: TextSplit, order: int) -> float:
    """Return the loss of an interpolated n-gram model of the training text (Witten & Bell 1991).

    p(c | h) = (n(h c) + t(h) · p(c | h')) / (n(h) + t(h)), where n counts occurrences, t(h) is the number of distinct
    characters that followed h, and h' is h without its first character. Below the empty context, all characters of the
    training text and one unknown character are equally likely.

    Args:
        parts: The text.
        order: Number of characters in the longest context: 1 for a bigram model, 2 for a trigram model.
    """
    text, vocabulary = parts.train, set(parts.train)
    counts = [Counter(text[at : at + length + 1] for at in range(len(text) - length)) for length in range(order + 1)]
    totals: list[Counter[str]] = [Counter() for _ in counts]
    distinct: list[Counter[str]] = [Counter() for _ in counts]
    for length, grams in enumerate(counts):
        for gram, count in grams.items():
            totals[length][gram[:-1]] += count
            distinct[length][gram[:-1]] += 1
    nats, whole = 0.0, parts.context + parts.test
    for at in range(len(parts.context), len(whole)):
        p = 1 / (len(vocabulary) + 1)
        for length in range(min(order, at) + 1):
            context = whole[at - length : at]
            if total := totals[length][context]:
                followers = distinct[length][context]
                p = (counts[length][context + whole[at]] + followers * p) / (total + followers)
        nats -= math.log(p)
    return nats / len(parts.test)
