"""Muon: a matrix between units changes by an orthogonal matrix near its momentum (Jordan et al. 2024).

Gradients of such matrices have a few directions that are much longer than all others, and Adam follows those; here all
count alike. The nearest orthogonal matrix is found by products alone, which are large enough for a CPU to do well.
"""

import math

import tensorflow as tf

from charrnn.model.compute.xla_compile import matmul

MOMENTUM = 0.8
"""What stays of it at each step: short, since trainings of two thousand steps change fast (0.95 was slower)."""
SIZE = 0.6
"""Root mean square of a change in learning rates; about that of Adam's, so that one rate suits both."""
POLYNOMIALS = (8.0934, -23.6204, 17.4462), (3.6366, -2.7219, 0.5365), (2.6613, -1.9772, 0.4526)
"""a·s + b·s³ + c·s⁵, applied in turn, take singular values s of 0.01 to 1 to within 0.27 of 1, which no other three do
better: each minimizes its largest distance from 1 where the one before leaves them (Amsel et al. 2025)."""


def directed(momentum: tf.Tensor, gradient: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the new momentum, and where it points one step on (Nesterov's), both of any shape."""
    momentum = MOMENTUM * momentum + (1 - MOMENTUM) * gradient
    return momentum, MOMENTUM * momentum + (1 - MOMENTUM) * gradient


def orthogonal(matrices: tf.Tensor, dtype: str) -> tf.Tensor:
    """Return matrices with the same singular vectors whose singular values are near 1, for those that are not tiny.

    Args:
        matrices: Shape `(…, M, N)`.
        dtype: In which products are done, `float32` or `bfloat16`.
    """
    is_high = matrices.shape[-2] > matrices.shape[-1]
    x = matrices / (tf.norm(matrices, axis=(-2, -1), keepdims=True) + 1e-12)  # no singular value is above 1 then
    x = tf.cast(tf.linalg.matrix_transpose(x) if is_high else x, dtype)
    for a, b, c in POLYNOMIALS:
        square = matmul(x, x, dtype, transpose_b=True)
        x = a * x + matmul(b * square + c * matmul(square, square, dtype), x, dtype)
    return tf.cast(tf.linalg.matrix_transpose(x) if is_high else x, matrices.dtype)


def changes(directions: list[tf.Tensor], dtype: str) -> list[tf.Tensor]:
    """Return by what matrices with these directions change at a learning rate of 1; equal shapes in one product."""
    found: dict[int, tf.Tensor] = {}
    for shape in {tuple(one.shape): None for one in directions}:
        own = [number for number, one in enumerate(directions) if one.shape == shape]
        size = SIZE * math.sqrt(max(shape))
        changed = size * orthogonal(tf.stack([directions[number] for number in own]), dtype)
        found |= dict(zip(own, tf.unstack(changed), strict=True))
    return [found[number] for number in range(len(directions))]
