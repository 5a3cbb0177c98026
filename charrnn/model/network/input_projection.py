"""How characters and numbers enter a layer: by a product with a matrix, for all steps at once.

T  time steps     B  sequences     V  classes     D  size of the input     C  columns of the matrix
"""

import math
from typing import NamedTuple

import tensorflow as tf

from charrnn.core.network_cost import input_projection_cost
from charrnn.model.compute.xla_compile import product

ONE_HOT_LIMIT = 1024
"""Up to this many classes a one-hot product beats a gather, whose gradient XLA adds up row by row on a CPU."""


class Embedded(NamedTuple):
    """Characters that enter as rows of a table."""

    ids: tf.Tensor
    """Shape `(T, B)`."""
    table: tf.Tensor
    """Shape `(V, D)`."""


type Inputs = tf.Tensor | Embedded


def lookup(table: tf.Tensor, ids: tf.Tensor, dtype: str) -> tf.Tensor:
    """Multiply one-hot vectors with a matrix: rows of `table` `(V, D)` for `ids` of any shape, `(…, D)` in `dtype`."""
    if table.shape[0] > ONE_HOT_LIMIT:
        return tf.cast(tf.gather(table, ids), dtype)
    one_hot = tf.one_hot(tf.reshape(ids, [-1]), table.shape[0], dtype=dtype)
    return tf.reshape(product(one_hot, table, dtype), (*ids.shape, table.shape[1]))


def project(x: Inputs, kernel: tf.Tensor, dtype: str) -> tf.Tensor:
    """Multiply the input of all steps with a matrix at once.

    Args:
        x: Numbers `(T, B, D)`, characters `(T, B)` that enter as one-hot vectors, or as rows of a table.
        kernel: Shape `(D, C)`; `(V, C)` for one-hot vectors.
        dtype: Of the product, `float32` or `bfloat16`.

    Returns:
        Shape `(T, B, C)` in `dtype`.
    """
    if isinstance(x, Embedded):
        ids, table = x
        classes, size = table.shape
        if is_table_first(math.prod(ids.shape), classes, size, kernel.shape[1]):
            return lookup(tf.matmul(table, kernel), ids, dtype)
        x = lookup(table, ids, dtype)
    if x.dtype.is_integer:
        return lookup(kernel, x, dtype)
    steps, batch, size = x.shape
    return tf.reshape(product(tf.reshape(x, (steps * batch, size)), kernel, dtype), (steps, batch, kernel.shape[1]))


def is_table_first(characters: int, classes: int, size: int, columns: int) -> bool:
    """Return whether it takes fewer operations, there and back, to multiply a table `(V, D)` with the matrix `(D, C)`
    once and to look up rows of that, than to look up rows of the table and to multiply them: (x · E) · W = x · (E · W).
    """
    at_once, one_by_one = input_projection_cost(characters, classes, size, columns)
    return classes <= ONE_HOT_LIMIT and at_once < one_by_one
