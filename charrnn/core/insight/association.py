"""Measure how closely hidden units follow a feature of the text: AUC for yes/no features, Spearman's ρ for graded ones.

    U  units     N  positions in the text     F  features, or shifted copies of one

Both are a product of weights, which depend on the feature, and the centered ranks of a unit's activations, so all
features and all units take one matrix product. Scores are between -1 and 1: `2 · AUC - 1` (Somers' D) or ρ.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Array = npt.NDArray[Any]


def centered_ranks(values: Array) -> Floats:
    """Return the rank of each value in its row minus the mean rank; equal values share their mean rank.

    Args:
        values: Shape `(U, N)`.

    Returns:
        Shape `(U, N)`; each row has the sum 0.
    """
    count = values.shape[1]
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, 1)
    positions: Array = np.broadcast_to(np.arange(count, dtype=np.float32), values.shape)
    is_new = np.ones(values.shape, bool)
    is_new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    if not is_new.all():  # the mean of the first and last position of each group of equal values
        first = np.maximum.accumulate(np.where(is_new, positions, 0), 1)
        is_last = np.roll(is_new, -1, 1)
        is_last[:, -1] = True
        last = np.where(is_last, positions, np.float32(count))
        last = np.minimum.accumulate(last[:, ::-1], 1)[:, ::-1]
        positions = (first + last) / 2
    ranks = np.empty(values.shape, np.float32)
    np.put_along_axis(ranks, order, positions - np.float32((count - 1) / 2), 1)
    return ranks


def weights(feature: Array) -> Floats:
    """Return the weights of a feature at each position; their product with `centered_ranks` is the score.

    Args:
        feature: Shape `(N,)`; booleans for a yes/no feature, numbers for a graded one.

    Returns:
        Shape `(N,)`; zeros if the feature is constant, which no unit can follow.
    """
    if feature.dtype == bool:
        on = int(feature.sum())
        pairs = on * (len(feature) - on)
        # AUC - ½ = Σ (ranks of the positions that are on) / pairs (Mann & Whitney 1947)
        centered = feature.astype(np.float64) - on / max(len(feature), 1)
        return (2 * centered / max(pairs, 1)).astype(np.float32)
    ranks = centered_ranks(feature[None])[0].astype(np.float64)
    return (ranks / max(float(np.linalg.norm(ranks)), 1e-12)).astype(np.float32)


def scores(weights: Floats, ranks: Floats, *, graded: bool) -> Floats:
    """Return the score of every unit for every feature, `(F, U)`, each in -1 … 1.

    Args:
        weights: Weights of features of the same kind, shape `(F, N)`.
        ranks: Centered ranks of the activations, shape `(U, N)`.
        graded: The features are graded; scores are Spearman's ρ, and 0 for a constant unit.
    """
    products: Floats = weights @ ranks.T
    if graded:
        norms = np.sqrt(np.einsum("un,un->u", ranks, ranks, dtype=np.float64))
        products = products / np.maximum(norms, 1e-12).astype(np.float32)
    return products


def score(values: Array, feature: Array) -> float:
    """Return the score of one unit, values `(N,)`, for one feature `(N,)`."""
    ranks = centered_ranks(values[None])
    return float(scores(weights(feature)[None], ranks, graded=feature.dtype != bool)[0, 0])


def score_among_equal_characters(values: Array, feature: Array, characters: Array) -> float | None:
    """Return the score of a unit among positions with the same character: a detector of that character gets 0.

    Characters count in proportion to their pairs of positions (yes/no) or their positions (graded).

    Args:
        values: The unit's activations, shape `(N,)`.
        feature: Shape `(N,)`.
        characters: The character at each position, as numbers, shape `(N,)`.

    Returns:
        The score, or `None` if the feature is the same at nearly all positions of each character.
    """
    total = weight = 0.0
    for character in np.unique(characters):
        here = characters == character
        part = feature[here]
        if feature.dtype == bool:
            on = int(part.sum())
            pairs = float(on * (len(part) - on)) if min(on, len(part) - on) >= MIN_POSITIONS else 0.0
        else:
            pairs = float(len(part)) if len(part) >= MIN_POSITIONS and part.min() < part.max() else 0.0
        if pairs:
            total, weight = total + pairs * score(values[here], part), weight + pairs
    return total / weight if weight else None


MIN_POSITIONS = 10
"""Minimum number of positions of a character, on and off each, to be counted among equal characters."""
