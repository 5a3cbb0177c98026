"""An n-gram model of a text: interpolated modified Kneser-Ney (Chen & Goodman 1999, section 3).

    p(c | h) = max(count(hc) - D, 0) / total(h) + backoff(h) · p(c | h without its oldest character)

`count` is how often `hc` occurs where `h` has the full length, and before that how many different characters stand
before `hc`; D depends on the length of `h` and on the count (1, 2, more). Below the empty context all classes are
equally likely. It is stored as a tree of contexts, level by level: a character leads from the context `h` along an
edge to the context `hc`; the node that edge number e leads to has the number e + 1, and the root has 0.

    N  characters of the text     V  classes     E  edges     C  nodes     L  levels: contexts of 0 … L-1 characters
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.integer]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Float32s = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

LONGEST = 2_000_000
"""Characters that are counted, the last ones of a text. A network that learned from more has little to gain."""
MOST = 4_000_000
"""Edges, each some 50 bytes for as long as a model is loaded. Where a text has more, its longest contexts are left out.
The first 108,000 characters of tinyshakespeare have 190,000 at order 7 and are counted in 0.1 s, all of it 940,000 in
1.3 s."""


@dataclass(frozen=True, eq=False)
class NGrams:
    """What was counted; see `count_ngrams`."""

    order: int
    """L: a character is predicted from the L - 1 before it. Lower than asked for where the text is shorter than that,
    or has more than `MOST` edges."""
    num_classes: int
    starts: Int32s
    """First edge of each node, and the number of edges behind the last; shape `(C + 1,)`."""
    followers: Int32s
    """Class of each edge, rising within a node; shape `(E,)`."""
    counts: Int32s
    """Shape `(E,)`."""
    discounts: Floats
    """D by level and count (0, 1, 2, more); shape `(L, 4)`."""
    discounted: Float32s
    """Each edge's own part of its probability, `(count - D) / total`; shape `(E,)`."""
    backoffs: Float32s
    """What each node leaves to the shorter context; 1 where nothing ever followed; shape `(C,)`."""

    @cached_property
    def keys(self) -> Int64s:
        """Node and class of each edge in one number, rising; shape `(E,)`."""
        nodes = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        return np.asarray(nodes * self.num_classes + self.followers, np.int64)

    def probabilities(self, ids: Ids) -> Floats:
        """Return the probability of each character but the first, after those before it; shape `(len(ids) - 1,)`."""
        text, found = ids.astype(np.int64), np.full(len(ids), 1 / self.num_classes)
        for nodes, edges in self._levels(text):
            at = np.flatnonzero(nodes >= 0)
            found[at] *= self.backoffs[nodes[at]]
            at = np.flatnonzero(edges >= 0)
            found[at] += self.discounted[edges[at]]
        return found[1:]

    def nodes(self, ids: Ids) -> Int32s:
        """Return the contexts of 0 … L-1 characters that a text ends with, -1 for what never occurred; shape `(L,)`."""
        recent = ids[max(0, len(ids) - self.order + 1) :]
        text = np.append(recent.astype(np.int64), 0)  # what follows does not matter
        found = np.full(self.order, -1, np.int32)
        for level, (nodes, _) in enumerate(self._levels(text)):
            found[level] = nodes[-1]
        return found

    def _levels(self, text: Int64s) -> Iterator[tuple[Int64s, Int64s]]:
        """Yield, for each level, the context before each character and the edge to that character, -1 for none."""
        nodes = np.zeros(len(text), np.int64)
        for _ in range(self.order):
            wanted = nodes * self.num_classes + text
            edges = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
            edges = np.where((nodes >= 0) & (self.keys[edges] == wanted), edges, -1)
            yield nodes, edges
            after = np.where((edges >= 0) & (edges < len(self.backoffs) - 1), edges + 1, -1)
            nodes = np.concatenate([[-1], after[:-1]])


def ngram_bytes(num_characters: int, order: int) -> int:
    """Return how much memory the n-grams of a text need at most while a model is trained or loaded; 0 at order 0."""
    return 50 * min(MOST, order * min(num_characters, LONGEST))


def count_ngrams(ids: Ids, num_classes: int, order: int) -> NGrams:
    """Count a text.

    Args:
        ids: Shape `(N,)`, N ≥ 1, each below `num_classes`; of a longer text, the last `LONGEST` characters count.
        num_classes: V.
        order: L, at least 1.

    Raises:
        ValueError: There are no ids, or ids that are not below `num_classes`.
    """
    text = ids[max(0, len(ids) - LONGEST) :].astype(np.int64)
    if not len(text) or text.max() >= num_classes:
        raise ValueError(
            f"These are {len(text)} ids, the largest {text.max(initial=-1)}; they must be below {num_classes}."
        )
    keys, counts = _edges(text, num_classes, order)
    discounts = np.array([_discounts(own) for own in counts])
    joined = np.concatenate(counts)
    # contexts of the full length are no beginnings of longer ones
    num_nodes = 1 + len(joined) - len(counts[-1])
    nodes, followers = np.divmod(np.concatenate(keys), num_classes)
    taken = np.concatenate([own[np.minimum(count, 3)] for own, count in zip(discounts, counts, strict=True)])
    totals = np.bincount(nodes, joined, num_nodes)
    lost = np.bincount(nodes, taken, num_nodes)
    return NGrams(
        order=len(counts),
        num_classes=num_classes,
        starts=np.searchsorted(nodes, np.arange(num_nodes + 1)).astype(np.int32),
        followers=followers.astype(np.int32),
        counts=joined.astype(np.int32),
        discounts=discounts,
        discounted=((joined - taken) / totals[nodes]).astype(np.float32),
        backoffs=np.where(totals > 0, lost / np.maximum(totals, 1), 1).astype(np.float32),
    )


def _edges(text: Int64s, num_classes: int, order: int) -> tuple[list[Int64s], list[Int64s]]:
    """Return the edges of each level, as in `NGrams.keys`, and their counts."""
    keys: list[Int64s] = []
    counts: list[Int64s] = []
    nodes = np.zeros(len(text), np.int64)
    shorter = np.empty(0, np.int64)  # node behind each edge of the last level, when its oldest character is dropped
    first = 0  # edge of the level
    for level in range(min(order, len(text))):
        own, edges, times = np.unique(nodes * num_classes + text[level:], return_inverse=True, return_counts=True)
        if level and first + len(own) > MOST:
            break
        if level:
            before, followers = np.divmod(own, num_classes)
            previous = first - len(keys[-1])
            suffixes = shorter[before - 1 - previous]
            places = np.searchsorted(keys[-1], suffixes * num_classes + followers)
            # only the beginning of the text has nothing before it
            counts[-1] = np.maximum(np.bincount(places, minlength=len(keys[-1])), 1)
            shorter = previous + places + 1
        else:
            shorter = np.zeros_like(own)
        keys.append(own)
        counts.append(times)
        nodes = (first + edges + 1)[:-1]
        first += len(own)
    return keys, counts


def _discounts(counts: Int64s) -> list[float]:
    """Return D for counts of 0, 1, 2 and more (Chen & Goodman 1999, equation 26)."""
    once, twice, thrice, four = (int((counts == times).sum()) for times in (1, 2, 3, 4))
    if not (once and twice and thrice):
        return [0, 0.5, 0.5, 0.5]
    base = once / (once + 2 * twice)
    found = (1 - 2 * base * twice / once, 2 - 3 * base * thrice / twice, 3 - 4 * base * four / thrice)
    return [0, *(min(max(each, 0.1), 0.95 * (number + 1)) for number, each in enumerate(found))]
