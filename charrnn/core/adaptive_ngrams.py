"""An n-gram model that goes on counting what it reads, one character after the other."""

from array import array
from bisect import bisect_left

import numpy as np

from charrnn.core.ngrams import NGrams


class Counting:
    """Begins with what an n-gram model has counted, and leaves that as it is.

    Each character is counted as `count_ngrams` would, had it been part of the text: with its longest context, and with
    each shorter one in which it is met for the first time. D stays.

    Args:
        ngrams: What to begin with.
    """

    def __init__(self, ngrams: NGrams):
        self._num_classes, self._order = ngrams.num_classes, ngrams.order
        self._starts = array("i", ngrams.starts.tobytes())
        self._followers = array("i", ngrams.followers.tobytes())
        self._counts = array("i", ngrams.counts.tobytes())
        self._discounts = ngrams.discounts.tolist()
        self._new: dict[int, int] = {}
        """Edges that were not there before, by node and class."""
        # a node's number is its edge's and one, so there may be as many nodes as edges, and the root
        totals = np.bincount(ngrams.keys // ngrams.num_classes, ngrams.counts, len(self._counts) + 1)
        lost = np.zeros(len(totals))
        lost[: len(ngrams.backoffs)] = ngrams.backoffs * totals[: len(ngrams.backoffs)]
        self._totals = array("i", totals.astype(np.int32).tobytes())
        self._lost = array("d", lost.tobytes())
        self._nodes = [0]
        """Contexts that the text now ends with, the shortest first."""

    def read(self, character: int) -> float:
        """Return the probability that a character had after those read before, and count it."""
        edges = [self._edge(node, character) for node in self._nodes]
        probability = 1 / self._num_classes
        for level, (node, edge) in enumerate(zip(self._nodes, edges, strict=True)):
            total = self._totals[node]
            if total:
                probability *= self._lost[node] / total
                if edge >= 0:
                    count = self._counts[edge]
                    probability += (count - self._discounts[level][min(count, 3)]) / total
        for level in range(len(edges) - 1, -1, -1):
            was_there = edges[level] >= 0
            edges[level] = self._count(self._nodes[level], character, level, edges[level])
            if was_there:
                break
        self._nodes = [0, *(edge + 1 for edge in edges[: self._order - 1])]
        return probability

    def _edge(self, node: int, character: int) -> int:
        """Return the edge that leads from a node along a character, -1 if there is none."""
        if node < len(self._starts) - 1:
            begin, end = self._starts[node], self._starts[node + 1]
            place = bisect_left(self._followers, character, begin, end)
            if place < end and self._followers[place] == character:
                return place
        return self._new.get(node * self._num_classes + character, -1)

    def _count(self, node: int, character: int, level: int, edge: int) -> int:
        """Count a character once more after a context; returns its edge."""
        if edge < 0:
            edge = len(self._counts)
            self._new[node * self._num_classes + character] = edge
            self._counts.append(0)
            self._totals.append(0)
            self._lost.append(0.0)
        before, own = self._counts[edge], self._discounts[level]
        self._counts[edge] = before + 1
        self._totals[node] += 1
        self._lost[node] += own[min(before + 1, 3)] - own[min(before, 3)]
        return edge
