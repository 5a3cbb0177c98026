"""Find what a text copies from another text: its longest common substrings, without an index.

All windows of `seed` characters of both texts are hashed by doubling. The source is read in chunks; a bit table of the
text's hashes rejects most of its positions. What is left are pairs of positions with equal windows. Of these, only
pairs that cannot be extended to the left are compared, character by character, so hash collisions do not matter.

    N  characters of the source     M  characters of the text     pair  a position of the source and one of the text
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.unsignedinteger]
Int64s = npt.NDArray[np.int64]
ProgressCallback = Callable[[float], None]
"""Called with the fraction of the source that was read; an exception cancels the search."""

SEED = 16
"""Default length of the shortest copy that is found, in characters."""
CHUNK = 1 << 16
"""Characters of the source that are hashed at a time, so that the hashes stay in the processor's cache."""
CHUNKS_PER_REPORT = 16
MAX_PAIRS = 1 << 20
"""Maximum number of pairs in memory."""
MAX_COMPARED = 1 << 15
"""Up to this many pairs are compared at once."""
FACTOR, BASE = np.uint32(0x9E3779B1), 0x85EBCA6B
"""Odd numbers that spread the bits of a hash."""
UNKNOWN, END = -1, -2
"""Values in the text that equal no id: an unknown character, and the end."""


class Pairs(NamedTuple):
    """Pairs of equal windows; all arrays have the shape `(P,)`."""

    positions: Int64s
    """Where the window starts in the source."""
    starts: Int64s
    """Where it starts in the text."""
    limits: Int64s
    """Upper bound of the length of the copy."""

    def take(self, which: Any) -> "Pairs":
        """Return the pairs that an index, mask or slice selects."""
        return Pairs(*(array[which] for array in self))


@dataclass(frozen=True)
class Copy:
    """A stretch of a text that also occurs in the source and is not part of a longer one."""

    start: int
    """Position of its first character in the text."""
    length: int
    source: int
    """Position of an occurrence in the source."""


@dataclass(frozen=True, eq=False)
class Copies:
    """What a text copies from a source."""

    longest: npt.NDArray[np.int32]
    """For each character, the length of the longest copy that contains it; 0 if there is none; shape `(M,)`."""
    stretches: tuple[Copy, ...]
    """The copies by their start. None lies within another one, but they may overlap."""

    def share(self, min_length: int) -> float:
        """Return the share of the text that lies in copies of at least `min_length` characters, from 0 to 1.

        Lengths below the `seed` of the search count as the seed.
        """
        return float(np.mean(self.longest >= max(1, min_length))) if len(self.longest) else 0.0

    def at_least(self, min_length: int) -> list[Copy]:
        """Return the copies of at least `min_length` characters."""
        return [copy for copy in self.stretches if copy.length >= min_length]


def find_copies(
    source: Ids, text: Ids, *, unknown_id: int, seed: int = SEED, progress: ProgressCallback | None = None
) -> Copies:
    """Find all stretches of at least `seed` characters of a text that occur in the source.

    Args:
        source: Ids of the source, shape `(N,)`; may be memory-mapped.
        text: Ids of the text in the same vocabulary, shape `(M,)`.
        unknown_id: Id of all characters outside the vocabulary; it equals nothing, not even itself.
        seed: Length of the shortest copy that is found, a power of two.
        progress: Called with the fraction done.

    Raises:
        ValueError: `seed` is not a power of two.
    """
    if seed < 1 or seed & (seed - 1):
        raise ValueError(f"The seed of a search for copies must be a power of two, not {seed}.")
    known = np.where(text == unknown_id, UNKNOWN, text.astype(np.int64))
    longest = _Longest(source, known, seed)
    if len(text) >= seed:
        seeds = _Seeds(known, seed, highest=int(np.iinfo(source.dtype).max))
        for number, begin in enumerate(range(0, len(source) - seed + 1, CHUNK)):
            for pairs in seeds.pairs(source, begin):
                longest.add(pairs)
            if progress and number % CHUNKS_PER_REPORT == 0:
                progress(begin / len(source))
    if progress:
        progress(1.0)
    return _copies(longest.lengths, longest.origins)


class _Seeds:
    """The windows of a text, sorted by hash and then by the character before the window.

    Args:
        text: Shape `(M,)`, M ≥ size.
        size: Characters in a window.
        highest: Highest id of the source.
    """

    def __init__(self, text: Int64s, size: int, highest: int):
        hashes = _hashes(text, size)
        self._size, self._width = size, highest + 4
        self._hashes, groups = np.unique(hashes, return_inverse=True)
        keys = groups * self._width + np.append(END, text[: len(hashes) - 1]) + 3
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]
        bits = max(16, min(24, len(hashes).bit_length() + 8))
        self._shift = np.uint32(32 - bits)
        self._table = np.zeros(1 << bits, bool)
        self._table[hashes >> self._shift] = True

    def pairs(self, source: Ids, begin: int) -> Iterator[Pairs]:
        """Yield the pairs of a chunk whose windows have equal hashes, and whose characters before them differ."""
        hashes = _hashes(source[begin : begin + CHUNK + self._size - 1], self._size)
        found = np.flatnonzero(self._table.take(hashes >> self._shift))
        groups = np.minimum(np.searchsorted(self._hashes, hashes[found]), len(self._hashes) - 1)
        equal = self._hashes[groups] == hashes[found]
        if not equal.any():
            return
        positions, groups = found[equal], groups[equal].astype(np.int64)
        limits = _run_lengths(positions) + self._size - 1
        # A run that reaches the end of the chunk may continue beyond it.
        limits[positions + limits == len(hashes) + self._size - 1] = np.iinfo(np.int64).max
        positions += begin
        # 0 for "no character before": it equals none of the text's, which are at least 1.
        before = np.where(positions > 0, source[np.maximum(positions - 1, 0)].astype(np.int64) + 3, 0)
        first, same, different, end = (
            np.searchsorted(self._keys, groups * self._width + offset)
            for offset in (0, before, before + 1, self._width)
        )
        skipped = different - same
        counts = end - first - skipped
        totals = np.cumsum(counts)
        borders = np.searchsorted(totals, np.arange(0, totals[-1] + MAX_PAIRS, MAX_PAIRS), "right")
        for low, high in zip(borders, [*borders[1:], len(totals)], strict=True):
            part = np.repeat(np.arange(low, high), counts[low:high])
            number = np.arange(len(part)) + (totals[low] - counts[low] if len(part) else 0)
            index = first[part] + number - (totals[part] - counts[part])
            index += np.where(index >= same[part], skipped[part], 0)
            yield Pairs(positions[part], self._order[index], limits[part])


def _run_lengths(positions: Int64s) -> Int64s:
    """Return how many of the increasing `positions`, starting with each one, are consecutive."""
    last = np.flatnonzero(np.diff(positions, append=-1) != 1)
    ends = positions[last][np.searchsorted(last, np.arange(len(positions)))]
    return ends - positions + 1


def _hashes(ids: npt.NDArray[np.integer], size: int) -> npt.NDArray[np.uint32]:
    """Return the hash of each window, shape `(len(ids) - size + 1,)`."""
    hashes = ids.astype(np.uint32)
    hashes += np.uint32(3)
    hashes *= FACTOR
    base, done = BASE, 1
    while done < size:
        longer = hashes[:-done] * np.uint32(base)
        longer += hashes[done:]
        hashes, base, done = longer, base * base & 0xFFFFFFFF, 2 * done
    return hashes


class _Longest:
    """The longest copy that starts at each position of a text.

    Args:
        source: Ids of the source.
        text: Ids of the text; unknown characters are `UNKNOWN`.
        seed: Length of the shortest copy.
    """

    def __init__(self, source: Ids, text: Int64s, seed: int):
        self._source, self._padded, self._seed = source, np.append(text, END), seed
        self.lengths, self.origins = np.zeros(len(text), np.int64), np.full(len(text), -1, np.int64)

    def add(self, pairs: Pairs) -> None:
        """Compare the characters that follow pairs of windows.

        Of many pairs, the most promising one for each position of the text is compared first. Few of the others can
        still be longer, even in texts with many repetitions.
        """
        if len(pairs.positions) > MAX_COMPARED:
            pairs = pairs.take(np.argsort(-pairs.limits, kind="stable"))
            first = np.unique(pairs.starts, return_index=True)[1]
            self._compare(pairs.take(first))
            pairs = pairs.take(self._can_be_longer(pairs))
        for begin in range(0, len(pairs.positions), MAX_COMPARED):
            some = pairs.take(slice(begin, begin + MAX_COMPARED))
            self._compare(some.take(self._can_be_longer(some)))

    def _can_be_longer(self, pairs: Pairs) -> npt.NDArray[np.bool_]:
        """Return whether each pair reaches beyond the longest copy known and continues with the right character."""
        known = np.maximum(self.lengths[pairs.starts], self._seed - 1)
        ends = pairs.positions + known
        possible = (pairs.limits > known) & (ends < len(self._source))
        possible[possible] = self._source[ends[possible]] == self._padded[(pairs.starts + known)[possible]]
        return possible

    def _compare(self, pairs: Pairs) -> None:
        found = _common_lengths(self._source, pairs.positions, self._padded, pairs.starts)
        # The longest last, and the first of equal ones: of several values for one index, NumPy assigns the last.
        order = len(found) - 1 - np.argsort(found[::-1], kind="stable")
        order = order[(found[order] >= self._seed) & (found[order] > self.lengths[pairs.starts[order]])]
        self.lengths[pairs.starts[order]] = found[order]
        self.origins[pairs.starts[order]] = pairs.positions[order]


def _common_lengths(source: Ids, positions: Int64s, padded: Int64s, starts: Int64s) -> Int64s:
    """Return how many characters of the source from `positions` equal those of the text from `starts`."""
    lengths = np.zeros(len(positions), np.int64)
    active, size = np.arange(len(positions)), SEED
    while len(active):
        ahead = lengths[active, None] + np.arange(size)
        there, here = positions[active, None] + ahead, starts[active, None] + ahead
        equal = source[np.minimum(there, len(source) - 1)] == padded[np.minimum(here, len(padded) - 1)]
        equal &= there < len(source)
        complete = equal.all(1)
        lengths[active] += np.where(complete, size, equal.argmin(1))
        active = active[complete]
        size = min(2 * size, max(SEED, MAX_PAIRS // max(1, len(active))))
    return lengths


def _copies(lengths: Int64s, origins: Int64s) -> Copies:
    """Drop copies that lie within others, and find the longest one for each character."""
    ends = np.arange(len(lengths)) + lengths
    reached = np.maximum.accumulate(np.append(0, ends[:-1])) if len(ends) else ends
    starts = np.flatnonzero((lengths > 0) & (ends > reached))
    longest = np.zeros(len(lengths), np.int32)
    for start in starts[np.argsort(lengths[starts], kind="stable")]:
        longest[start : ends[start]] = lengths[start]
    return Copies(longest, tuple(Copy(int(s), int(lengths[s]), int(origins[s])) for s in starts))
