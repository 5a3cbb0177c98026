"""Update an n-gram model with each character that it scores."""

from array import array
from bisect import bisect_left

import numpy as np

from charrnn.core.ngrams import NGrams


class AdaptiveNGrams:
    """An n-gram model whose counts are updated as text is read.

    Each character is counted as in `count_ngrams`: after its longest context, and after each shorter context in which
    it is new. The discounts do not change.

    Args:
        ngrams: The n-gram model to start from; it is not modified.
    """

    def __init__(self, ngrams: NGrams):
        self._num_classes, self._order = ngrams.num_classes, ngrams.order
        self._starts = array("i", ngrams.starts.tobytes())
        self._followers = array("i", ngrams.followers.tobytes())
        self._counts = array("i", ngrams.counts.tobytes())
        self._discounts = ngrams.discounts.tolist()
        self._new: dict[int, int] = {}
        """Edges added since the start, by node and class."""
        # Edge e leads to node e + 1, so there can be one node per edge, plus the root.
        totals = np.bincount(ngrams.keys // ngrams.num_classes, ngrams.counts, len(self._counts) + 1)
        reserved = np.zeros(len(totals))
        reserved[: len(ngrams.backoffs)] = ngrams.backoffs * totals[: len(ngrams.backoffs)]
        self._totals = array("i", totals.astype(np.int32).tobytes())
        self._reserved = array("d", reserved.tobytes())
        self._nodes = [0]
        """Contexts at the end of the text read so far, shortest first."""

    def read(self, character: int) -> float:
        """Return the probability of the next character, and count it."""
        edges = [self._edge(node, character) for node in self._nodes]
        probability = 1 / self._num_classes
        for level, (node, edge) in enumerate(zip(self._nodes, edges, strict=True)):
            total = self._totals[node]
            if total:
                probability *= self._reserved[node] / total
                if edge >= 0:
                    count = self._counts[edge]
                    probability += (count - self._discounts[level][min(count, 3)]) / total
        for level in range(len(edges) - 1, -1, -1):
            is_known = edges[level] >= 0
            edges[level] = self._count(self._nodes[level], character, level, edges[level])
            if is_known:
                break
        self._nodes = [0, *(edge + 1 for edge in edges[: self._order - 1])]
        return probability

    def _edge(self, node: int, character: int) -> int:
        """Return the edge of a character from a node, or -1 if there is none."""
        if node < len(self._starts) - 1:
            begin, end = self._starts[node], self._starts[node + 1]
            index = bisect_left(self._followers, character, begin, end)
            if index < end and self._followers[index] == character:
                return index
        return self._new.get(node * self._num_classes + character, -1)

    def _count(self, node: int, character: int, level: int, edge: int) -> int:
        """Increment the count of a character after a context, and return its edge."""
        if edge < 0:
            edge = len(self._counts)
            self._new[node * self._num_classes + character] = edge
            self._counts.append(0)
            self._totals.append(0)
            self._reserved.append(0.0)
        before, discounts = self._counts[edge], self._discounts[level]
        self._counts[edge] = before + 1
        self._totals[node] += 1
        self._reserved[node] += discounts[min(before + 1, 3)] - discounts[min(before, 3)]
        return edge
