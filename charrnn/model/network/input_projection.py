"""Project the inputs of a layer, vectors or characters, with one matrix product for all steps.

T  time steps     B  sequences     V  classes     D  input size     C  columns of the matrix
"""

import math
from typing import NamedTuple

import tensorflow as tf

from charrnn.core.network_cost import input_projection_cost
from charrnn.model.compute.xla_kernels import matmul

ONE_HOT_LIMIT = 1024
"""Up to this many classes, a one-hot product is faster than a gather, whose gradient XLA adds row by row on a CPU."""


class Embedded(NamedTuple):
    """Characters that are embedded as rows of a table."""

    ids: tf.Tensor
    """Shape `(T, B)`."""
    table: tf.Tensor
    """Shape `(V, D)`."""


type Inputs = tf.Tensor | Embedded


def lookup(table: tf.Tensor, ids: tf.Tensor, dtype: str) -> tf.Tensor:
    """Return the rows of `table` `(V, D)` for `ids` of any shape, as `(…, D)` in `dtype`."""
    if table.shape[0] > ONE_HOT_LIMIT:
        return tf.cast(tf.gather(table, ids), dtype)
    one_hot = tf.one_hot(tf.reshape(ids, [-1]), table.shape[0], dtype=dtype)
    return tf.reshape(matmul(one_hot, table, dtype), (*ids.shape, table.shape[1]))


def project(x: Inputs, kernel: tf.Tensor, dtype: str) -> tf.Tensor:
    """Multiply the inputs of all steps with a matrix.

    Args:
        x: Vectors `(T, B, D)`, characters `(T, B)` as one-hot vectors, or embedded characters.
        kernel: Shape `(D, C)`; `(V, C)` for one-hot vectors.
        dtype: Data type of the product, `float32` or `bfloat16`.

    Returns:
        Shape `(T, B, C)` in `dtype`.
    """
    if isinstance(x, Embedded):
        ids, table = x
        classes, size = table.shape
        if projects_table_first(math.prod(ids.shape), classes, size, kernel.shape[1]):
            return lookup(tf.matmul(table, kernel), ids, dtype)
        x = lookup(table, ids, dtype)
    if x.dtype.is_integer:
        return lookup(kernel, x, dtype)
    steps, batch, size = x.shape
    return tf.reshape(matmul(tf.reshape(x, (steps * batch, size)), kernel, dtype), (steps, batch, kernel.shape[1]))


def projects_table_first(characters: int, classes: int, size: int, columns: int) -> bool:
    """Return whether projecting the whole table before the lookup is cheaper: (x · E) · W = x · (E · W).

    Counts operations forward and backward of a table `(V, D)` and a matrix `(D, C)`.
    """
    combined, separate = input_projection_cost(characters, classes, size, columns)
    return classes <= ONE_HOT_LIMIT and combined < separate
