"""Muon: update matrices between hidden units by an orthogonal matrix close to their momentum (Jordan et al. 2024).

Gradients of such matrices have a few dominant directions, which Adam follows; Muon weights all directions equally. The
closest orthogonal matrix is computed by large matrix products only, which are efficient on a CPU.
"""

import math

import tensorflow as tf

from charrnn.model.compute.xla_kernels import matmul

MOMENTUM = 0.8
"""Decay of the momentum per step: low, because trainings of two thousand steps change fast."""
UPDATE_RMS = 0.6
"""Root mean square of an update at a learning rate of 1; close to Adam's, so that one learning rate suits both."""
POLYNOMIALS = (8.0934, -23.6204, 17.4462), (3.6366, -2.7219, 0.5365), (2.6613, -1.9772, 0.4526)
"""a·s + b·s³ + c·s⁵, applied in turn, map singular values s of 0.01 to 1 to within 0.27 of 1, which is optimal for
three polynomials: each minimizes the largest distance from 1 that the previous one leaves (Amsel et al. 2025)."""


def nesterov_momentum(momentum: tf.Tensor, gradient: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the new momentum and its Nesterov look-ahead, both of any shape."""
    momentum = MOMENTUM * momentum + (1 - MOMENTUM) * gradient
    return momentum, MOMENTUM * momentum + (1 - MOMENTUM) * gradient


def orthogonalized(matrices: tf.Tensor, dtype: str) -> tf.Tensor:
    """Return matrices with the same singular vectors and singular values near 1, unless they were tiny.

    Args:
        matrices: Shape `(…, M, N)`.
        dtype: Data type of the products, `float32` or `bfloat16`.
    """
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices / (tf.norm(matrices, axis=(-2, -1), keepdims=True) + 1e-12)  # now no singular value exceeds 1
    x = tf.cast(tf.linalg.matrix_transpose(x) if is_tall else x, dtype)
    for a, b, c in POLYNOMIALS:
        square = matmul(x, x, dtype, transpose_b=True)
        x = a * x + matmul(b * square + c * matmul(square, square, dtype), x, dtype)
    return tf.cast(tf.linalg.matrix_transpose(x) if is_tall else x, matrices.dtype)


def updates(directions: list[tf.Tensor], dtype: str) -> list[tf.Tensor]:
    """Return the updates of matrices at a learning rate of 1; matrices of equal shapes share their products."""
    results: dict[int, tf.Tensor] = {}
    for shape in {tuple(direction.shape): None for direction in directions}:
        numbers = [number for number, direction in enumerate(directions) if direction.shape == shape]
        scale = UPDATE_RMS * math.sqrt(max(shape))
        scaled = scale * orthogonalized(tf.stack([directions[number] for number in numbers]), dtype)
        results |= dict(zip(numbers, tf.unstack(scaled), strict=True))
    return [results[number] for number in range(len(directions))]
