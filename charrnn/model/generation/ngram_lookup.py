"""An n-gram model within a compiled program: where it is in its tree, and what it expects next.

S  samples     V  classes     L  levels: contexts of 0 … L-1 characters
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from charrnn.core.ngrams import NGrams

STRETCH = 16
"""Edges of a context that are read at a time."""


class Tables(NamedTuple):
    """Arrays of an n-gram model. Their lengths are powers of two, so that few programs fit many models."""

    starts: tf.Tensor
    followers: tf.Tensor
    discounted: tf.Tensor
    backoffs: tf.Tensor
    root: tf.Tensor
    """What the empty context alone gives each class, in full, since after it nearly all occur; shape `(V,)`."""


def tables_of(ngrams: NGrams) -> Tables:
    """Return an n-gram model's arrays as tensors."""
    known = slice(ngrams.starts[0], ngrams.starts[1])
    root = np.zeros(ngrams.num_classes, np.float32)
    root[ngrams.followers[known]] = ngrams.discounted[known]
    return Tables(
        _padded(ngrams.starts, ngrams.starts[-1]),
        _padded(ngrams.followers, 0),
        _padded(ngrams.discounted, 0),
        _padded(ngrams.backoffs, 1),
        tf.constant(root),
    )


def _padded(array: npt.NDArray[np.generic], filling: float) -> tf.Tensor:
    full = np.full(1 << max(6, (len(array) - 1).bit_length()), filling, array.dtype)
    full[: len(array)] = array
    return tf.constant(full)


def advance(tables: Tables, nodes: tf.Tensor, characters: tf.Tensor) -> tf.Tensor:
    """Return the contexts after one character more, as `NGrams.nodes` does.

    Args:
        tables: The model.
        nodes: The contexts before it, shape `(S, L)`.
        characters: Shape `(S,)`.
    """
    shorter = nodes[:, :-1]  # the longest cannot grow
    inside = tf.maximum(shorter, 0)
    low, end = tf.gather(tables.starts, inside), tf.gather(tables.starts, inside + 1)
    halvings = int(tables.root.shape[0]).bit_length()

    def halve(number: tf.Tensor, low: tf.Tensor, high: tf.Tensor) -> tuple[tf.Tensor, ...]:
        middle = (low + high) // 2
        goes_up = (low < high) & (tf.gather(tables.followers, middle) < characters[:, None])
        return number + 1, tf.where(goes_up, middle + 1, low), tf.where(goes_up | (low >= high), high, middle)

    _, edges, _ = tf.while_loop(lambda number, *_: number < halvings, halve, (0, low, end))
    last = tables.followers.shape[0] - 1
    is_there = (edges < end) & (tf.gather(tables.followers, tf.minimum(edges, last)) == characters[:, None])
    longer = tf.where((shorter >= 0) & is_there, edges + 1, -1)
    return tf.concat([tf.zeros_like(nodes[:, :1]), longer], 1)


def expected(tables: Tables, nodes: tf.Tensor) -> tf.Tensor:
    """Return the probability of every class after the contexts `nodes`, shape `(S, V)`."""
    samples, levels = nodes.shape
    is_there, inside = nodes >= 0, tf.maximum(nodes, 0)
    backoffs = tf.where(is_there, tf.gather(tables.backoffs, inside), 1.0)
    # what of each level's own part the longer contexts leave
    left = tf.math.cumprod(backoffs, 1, exclusive=True, reverse=True)
    num_classes = tables.root.shape[0]
    found = left[:, :1] * (tables.root + backoffs[:, :1] / num_classes)
    if levels == 1:
        return found
    left, is_there, inside = left[:, 1:], is_there[:, 1:], inside[:, 1:]
    starts = tf.gather(tables.starts, inside)
    ends = tf.where(is_there, tf.gather(tables.starts, inside + 1), starts)
    stretches = (ends - starts + STRETCH - 1) // STRETCH
    after = tf.cumsum(stretches, 1)
    rows = tf.broadcast_to(tf.range(samples)[:, None], (samples, STRETCH))

    def add(number: tf.Tensor, found: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Add the stretch of that number of each sample, counted over all its levels."""
        level = tf.minimum(tf.reduce_sum(tf.cast(after <= number, tf.int32), 1), levels - 2)

        def own(array: tf.Tensor) -> tf.Tensor:
            return tf.gather(array, level, axis=1, batch_dims=1)

        begin = own(starts) + (number - own(after) + own(stretches)) * STRETCH
        edges = begin[:, None] + tf.range(STRETCH)
        counts = (edges < own(ends)[:, None]) & (number < after[:, -1:])
        edges = tf.clip_by_value(edges, 0, tables.followers.shape[0] - 1)
        parts = tf.where(counts, tf.gather(tables.discounted, edges) * own(left)[:, None], 0.0)
        places = tf.stack([rows, tf.gather(tables.followers, edges)], 2)
        return number + 1, tf.tensor_scatter_nd_add(found, places, parts)

    return tf.while_loop(lambda number, _: number < tf.reduce_max(after), add, (0, found))[1]
