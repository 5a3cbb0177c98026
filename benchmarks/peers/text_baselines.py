"""What guessers without a network reach on the part of a text that is scored, in nats per character.

Static ones know what was trained on, as a network does that writes. xz and PPMd go on learning while they read, which a
network does not, so they are to be compared with one that does, too. They read a tenth of what was trained on, as
programs do whose last tenth is scored; where the test part is longer, several pieces of it, each as if it came next.
"""

import lzma
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from peers.text_split import TextSplit

ORDERS = 2, 3, 4, 5, 6, 8, 12
"""Longest contexts of PPMd, in bytes; the best one for a text counts, as if it had been known."""
PIECES = 5
"""Most pieces of the test part."""
MEMORY = 256 << 20
"""Bytes for PPMd's model, more than any text here fills."""


@dataclass(frozen=True)
class TextBaselines:
    """Nats per character of the test part."""

    bigram: float
    trigram: float
    xz: float
    ppmd: float


def text_baselines(parts: TextSplit) -> TextBaselines:
    """Let all guess."""
    return TextBaselines(
        bigram=static(parts, 1),
        trigram=static(parts, 2),
        xz=growth(parts, lambda text: len(lzma.compress(text, preset=9))),
        ppmd=ppmd(parts),
    )


def ppmd(parts: TextSplit) -> float:
    """Return PPMd's (variant H; Shkarin 2002), as it learns while it reads."""
    import pyppmd  # a compiled package that only this needs

    def size(order: int) -> Callable[[bytes], int]:
        return lambda text: len(pyppmd.compress(text, max_order=order, mem_size=MEMORY, variant="H"))

    return min(growth(parts, size(order)) for order in ORDERS)


def growth(parts: TextSplit, size: Callable[[bytes], int]) -> float:
    """Return by how much a piece of the test part makes a packed text longer, if it comes after what was trained on."""
    own = parts.own.encode()
    length = min(len(parts.test), max(1, len(parts.own) // 10))
    count = min(PIECES, len(parts.test) // length)
    spare = len(parts.test) - length
    firsts = [spare * number // max(count - 1, 1) for number in range(count)]
    before = size(own)
    packed = [size(own + parts.test[first : first + length].encode()) - before for first in firsts]
    return sum(packed) * 8 * math.log(2) / (length * count)


def static(parts: TextSplit, order: int) -> float:
    """Return that of counts of the training text, contexts of up to `order` characters interpolated (Witten & Bell
    1991): p(c | h) = (n(h c) + t(h) · p(c | h')) / (n(h) + t(h)), where t(h) is how many different characters followed
    h, and h' is h without its first; below that all characters and one more are equally likely."""
    text, known = parts.own, set(parts.own)
    counts = [Counter(text[at : at + length + 1] for at in range(len(text) - length)) for length in range(order + 1)]
    totals: list[Counter[str]] = [Counter() for _ in counts]
    kinds: list[Counter[str]] = [Counter() for _ in counts]
    for length, grams in enumerate(counts):
        for gram, count in grams.items():
            totals[length][gram[:-1]] += count
            kinds[length][gram[:-1]] += 1
    nats, read = 0.0, parts.before + parts.test
    for at in range(len(parts.before), len(read)):
        p = 1 / (len(known) + 1)
        for length in range(min(order, at) + 1):
            context = read[at - length : at]
            if total := totals[length][context]:
                different = kinds[length][context]
                p = (counts[length][context + read[at]] + different * p) / (total + different)
        nats -= math.log(p)
    return nats / len(parts.test)
