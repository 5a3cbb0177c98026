"""Evaluate an n-gram model inside compiled functions: contexts, and the probabilities of the next character.

S  samples     V  classes     L  levels: contexts of 0 … L-1 characters
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from charrnn.core.ngrams import NGrams

CHUNK = 16
"""Number of edges of a context that are read at a time."""


class Tables(NamedTuple):
    """Arrays of an n-gram model, padded to powers of two, so that models of similar sizes share compiled functions."""

    starts: tf.Tensor
    followers: tf.Tensor
    discounted: tf.Tensor
    backoffs: tf.Tensor
    root: tf.Tensor
    """Discounted probability of each class after the empty context, dense because nearly all occur; shape `(V,)`."""


def tables_of(ngrams: NGrams) -> Tables:
    """Return an n-gram model's arrays as tensors."""
    edges = slice(ngrams.starts[0], ngrams.starts[1])
    root = np.zeros(ngrams.num_classes, np.float32)
    root[ngrams.followers[edges]] = ngrams.discounted[edges]
    return Tables(
        _padded(ngrams.starts, ngrams.starts[-1]),
        _padded(ngrams.followers, 0),
        _padded(ngrams.discounted, 0),
        _padded(ngrams.backoffs, 1),
        tf.constant(root),
    )


def _padded(array: npt.NDArray[np.generic], padding: float) -> tf.Tensor:
    full = np.full(1 << max(6, (len(array) - 1).bit_length()), padding, array.dtype)
    full[: len(array)] = array
    return tf.constant(full)


def advance(tables: Tables, nodes: tf.Tensor, characters: tf.Tensor) -> tf.Tensor:
    """Return the contexts after another character, as `NGrams.nodes` does.

    Args:
        tables: The model.
        nodes: The contexts before the character, shape `(S, L)`.
        characters: Shape `(S,)`.
    """
    shorter = nodes[:, :-1]  # the longest context cannot be extended
    inside = tf.maximum(shorter, 0)
    low, end = tf.gather(tables.starts, inside), tf.gather(tables.starts, inside + 1)
    halvings = int(tables.root.shape[0]).bit_length()

    def halve(number: tf.Tensor, low: tf.Tensor, high: tf.Tensor) -> tuple[tf.Tensor, ...]:
        middle = (low + high) // 2
        goes_up = (low < high) & (tf.gather(tables.followers, middle) < characters[:, None])
        return number + 1, tf.where(goes_up, middle + 1, low), tf.where(goes_up | (low >= high), high, middle)

    _, edges, _ = tf.while_loop(lambda number, *_: number < halvings, halve, (0, low, end))
    last = tables.followers.shape[0] - 1
    exists = (edges < end) & (tf.gather(tables.followers, tf.minimum(edges, last)) == characters[:, None])
    longer = tf.where((shorter >= 0) & exists, edges + 1, -1)
    return tf.concat([tf.zeros_like(nodes[:, :1]), longer], 1)


def next_probabilities(tables: Tables, nodes: tf.Tensor) -> tf.Tensor:
    """Return the probability of every class after the contexts `nodes`, shape `(S, V)`."""
    samples, levels = nodes.shape
    exists, inside = nodes >= 0, tf.maximum(nodes, 0)
    backoffs = tf.where(exists, tf.gather(tables.backoffs, inside), 1.0)
    # The probability mass that longer contexts leave to each level.
    left = tf.math.cumprod(backoffs, 1, exclusive=True, reverse=True)
    num_classes = tables.root.shape[0]
    root_probabilities = left[:, :1] * (tables.root + backoffs[:, :1] / num_classes)
    if levels == 1:
        return root_probabilities
    left, exists, inside = left[:, 1:], exists[:, 1:], inside[:, 1:]
    starts = tf.gather(tables.starts, inside)
    ends = tf.where(exists, tf.gather(tables.starts, inside + 1), starts)
    chunks = (ends - starts + CHUNK - 1) // CHUNK
    after = tf.cumsum(chunks, 1)
    rows = tf.broadcast_to(tf.range(samples)[:, None], (samples, CHUNK))

    def add(number: tf.Tensor, probabilities: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Add chunk `number` of each sample, counted over all levels."""
        level = tf.minimum(tf.reduce_sum(tf.cast(after <= number, tf.int32), 1), levels - 2)

        def at_level(array: tf.Tensor) -> tf.Tensor:
            return tf.gather(array, level, axis=1, batch_dims=1)

        begin = at_level(starts) + (number - at_level(after) + at_level(chunks)) * CHUNK
        edges = begin[:, None] + tf.range(CHUNK)
        counts = (edges < at_level(ends)[:, None]) & (number < after[:, -1:])
        edges = tf.clip_by_value(edges, 0, tables.followers.shape[0] - 1)
        values = tf.where(counts, tf.gather(tables.discounted, edges) * at_level(left)[:, None], 0.0)
        indices = tf.stack([rows, tf.gather(tables.followers, edges)], 2)
        return number + 1, tf.tensor_scatter_nd_add(probabilities, indices, values)

    return tf.while_loop(lambda number, _: number < tf.reduce_max(after), add, (0, root_probabilities))[1]
