"""Count the n-grams of a text and compute probabilities by interpolated modified Kneser-Ney smoothing.

The formula is from Chen & Goodman 1999, section 3:

    p(c | h) = max(count(hc) - D, 0) / total(h) + backoff(h) · p(c | h without its oldest character)

For the longest contexts, `count` is the number of occurrences of `hc`; for shorter ones, it is the number of distinct
characters that precede `hc`. The discount D depends on the length of `h` and on the count (1, 2, more). Below the empty
context, the distribution is uniform. The model is a trie of contexts in arrays, level by level: the edge of character c
leads from the node of `h` to the node of `hc`. Edge e leads to node e + 1; the root is node 0.

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

MAX_CHARACTERS = 2_000_000
"""Maximum number of characters that are counted, from the end of the text. On longer texts, n-grams hardly help."""
MAX_EDGES = 4_000_000
"""Maximum number of edges, which take about 50 bytes each while a model is loaded. If there would be more, the order is
lowered. For comparison, 108,000 characters of tinyshakespeare have 190,000 edges at order 7."""


@dataclass(frozen=True, eq=False)
class NGrams:
    """An n-gram model, as created by `count_ngrams`."""

    order: int
    """L: a character is predicted from the L - 1 before it. It is lower than requested if the text is shorter, or would
    have more than `MAX_EDGES` edges."""
    num_classes: int
    starts: Int32s
    """First edge of each node, then the number of edges; shape `(C + 1,)`."""
    followers: Int32s
    """Class of each edge, increasing within a node; shape `(E,)`."""
    counts: Int32s
    """Count of each edge; shape `(E,)`."""
    discounts: Floats
    """D by level and count (0, 1, 2, 3 or more); shape `(L, 4)`."""
    discounted: Float32s
    """Discounted relative frequency of each edge, `(count - D) / total`; shape `(E,)`."""
    backoffs: Float32s
    """Weight of the shorter context at each node, `backoff` in the formula; 1 for leaves; shape `(C,)`."""

    @cached_property
    def keys(self) -> Int64s:
        """Node and class of each edge as one number, increasing; shape `(E,)`."""
        nodes = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        return np.asarray(nodes * self.num_classes + self.followers, np.int64)

    def probabilities(self, ids: Ids) -> Floats:
        """Return the probability of each character but the first, given the previous ones; shape `(len(ids) - 1,)`."""
        text, probabilities = ids.astype(np.int64), np.full(len(ids), 1 / self.num_classes)
        for nodes, edges in self._levels(text):
            at = np.flatnonzero(nodes >= 0)
            probabilities[at] *= self.backoffs[nodes[at]]
            at = np.flatnonzero(edges >= 0)
            probabilities[at] += self.discounted[edges[at]]
        return probabilities[1:]

    def nodes(self, ids: Ids) -> Int32s:
        """Return the nodes of the last 0 … L-1 characters of a text, -1 for unknown contexts; shape `(L,)`."""
        recent = ids[max(0, len(ids) - self.order + 1) :]
        text = np.append(recent.astype(np.int64), 0)  # any next character: only its contexts are used
        found = np.full(self.order, -1, np.int32)
        for level, (nodes, _) in enumerate(self._levels(text)):
            found[level] = nodes[-1]
        return found

    def contexts(self, ids: Ids) -> Int32s:
        """Return, for each character of a text, the nodes of the last 0 … L-1 characters up to and including it.

        Shape `(len(ids), L)`, -1 for unknown contexts; its last row is that of `nodes`.
        """
        text = np.append(ids.astype(np.int64), 0)  # any next character: only its contexts are used
        return np.stack([nodes[1:] for nodes, _ in self._levels(text)], 1).astype(np.int32)

    def _levels(self, text: Int64s) -> Iterator[tuple[Int64s, Int64s]]:
        """Yield, for each level, the context node and the edge of each character, -1 for none."""
        nodes = np.zeros(len(text), np.int64)
        for _ in range(self.order):
            keys = nodes * self.num_classes + text
            edges = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            edges = np.where((nodes >= 0) & (self.keys[edges] == keys), edges, -1)
            yield nodes, edges
            children = np.where((edges >= 0) & (edges < len(self.backoffs) - 1), edges + 1, -1)
            nodes = np.concatenate([[-1], children[:-1]])


def ngram_bytes(num_characters: int, order: int) -> int:
    """Return the maximum memory, in bytes, of the n-gram model of a text; 0 at order 0."""
    return 50 * min(MAX_EDGES, order * min(num_characters, MAX_CHARACTERS))


def count_ngrams(ids: Ids, num_classes: int, order: int) -> NGrams:
    """Count the n-grams of a text.

    Args:
        ids: Shape `(N,)`, N ≥ 1, each below `num_classes`; only the last `MAX_CHARACTERS` are counted.
        num_classes: V.
        order: L, at least 1.

    Raises:
        ValueError: There are no ids, or an id is not below `num_classes`.
    """
    text = ids[max(0, len(ids) - MAX_CHARACTERS) :].astype(np.int64)
    if not len(text) or text.max() >= num_classes:
        raise ValueError(
            f"There are {len(text)} ids, the largest {text.max(initial=-1)}; expected at least one, each below "
            f"{num_classes}."
        )
    keys, counts = _edges(text, num_classes, order)
    discounts = np.array([_discounts(level) for level in counts])
    all_counts = np.concatenate(counts)
    # The edges of the last level lead to no nodes.
    num_nodes = 1 + len(all_counts) - len(counts[-1])
    nodes, followers = np.divmod(np.concatenate(keys), num_classes)
    subtracted = np.concatenate([own[np.minimum(count, 3)] for own, count in zip(discounts, counts, strict=True)])
    totals = np.bincount(nodes, all_counts, num_nodes)
    reserved = np.bincount(nodes, subtracted, num_nodes)  # for the shorter context
    return NGrams(
        order=len(counts),
        num_classes=num_classes,
        starts=np.searchsorted(nodes, np.arange(num_nodes + 1)).astype(np.int32),
        followers=followers.astype(np.int32),
        counts=all_counts.astype(np.int32),
        discounts=discounts,
        discounted=((all_counts - subtracted) / totals[nodes]).astype(np.float32),
        backoffs=np.where(totals > 0, reserved / np.maximum(totals, 1), 1).astype(np.float32),
    )


def _edges(text: Int64s, num_classes: int, order: int) -> tuple[list[Int64s], list[Int64s]]:
    """Return the edges of each level, as in `NGrams.keys`, and their counts."""
    keys: list[Int64s] = []
    counts: list[Int64s] = []
    nodes = np.zeros(len(text), np.int64)
    shorter = np.empty(0, np.int64)  # suffix node of each edge of the previous level
    first = 0  # first edge of the level
    for level in range(min(order, len(text))):
        own, edges, times = np.unique(nodes * num_classes + text[level:], return_inverse=True, return_counts=True)
        if level and first + len(own) > MAX_EDGES:
            break
        if level:
            before, followers = np.divmod(own, num_classes)
            previous = first - len(keys[-1])
            suffixes = shorter[before - 1 - previous]
            indices = np.searchsorted(keys[-1], suffixes * num_classes + followers)
            # An n-gram without a predecessor occurs only at the beginning of the text.
            counts[-1] = np.maximum(np.bincount(indices, minlength=len(keys[-1])), 1)
            shorter = previous + indices + 1
        else:
            shorter = np.zeros_like(own)
        keys.append(own)
        counts.append(times)
        nodes = (first + edges + 1)[:-1]
        first += len(own)
    return keys, counts


def _discounts(counts: Int64s) -> list[float]:
    """Return D for counts of 0, 1, 2, and 3 or more (Chen & Goodman 1999, equation 26)."""
    n1, n2, n3, n4 = (int((counts == times).sum()) for times in (1, 2, 3, 4))
    if not (n1 and n2 and n3):
        return [0, 0.5, 0.5, 0.5]
    y = n1 / (n1 + 2 * n2)
    discounts = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    return [0, *(min(max(discount, 0.1), 0.95 * count) for count, discount in enumerate(discounts, 1))]
