"""What guessers without a network reach on the part of a text that is scored, in nats per character.

Static ones know what was trained on, as a network does that writes. xz and PPMd go on learning while they read, which a
network does not, so they are to be compared with one that does, too.
"""

import lzma
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from peers.cuts import Cut

ORDERS = 2, 3, 4, 5, 6, 8, 12
"""Longest contexts of PPMd, in bytes; the best one for a text counts, as if it had been known."""
MEMORY = 256 << 20
"""Bytes for PPMd's model, more than any text here fills."""


@dataclass(frozen=True)
class Opponents:
    """Nats per character of the test part."""

    bigram: float
    trigram: float
    xz: float
    ppmd: float


def opponents(parts: Cut) -> Opponents:
    """Let all guess."""
    return Opponents(
        bigram=static(parts, 1),
        trigram=static(parts, 2),
        xz=growth(parts, lambda text: len(lzma.compress(text, preset=9))),
        ppmd=ppmd(parts),
    )


def ppmd(parts: Cut) -> float:
    """Return PPMd's (variant H; Shkarin 2002), as it learns while it reads."""
    import pyppmd  # a compiled package that only this needs

    def size(order: int) -> Callable[[bytes], int]:
        return lambda text: len(pyppmd.compress(text, max_order=order, mem_size=MEMORY, variant="H"))

    return min(growth(parts, size(order)) for order in ORDERS)


def growth(parts: Cut, size: Callable[[bytes], int]) -> float:
    """Return by how much the test part makes a packed text longer, if it comes after what was trained on."""
    own, scored = parts.own.encode(), parts.test.encode()
    return (size(own + scored) - size(own)) * 8 * math.log(2) / len(parts.test)


def static(parts: Cut, order: int) -> float:
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
