"""Fit a linear probe: ridge regression of a feature on many units.

    U  units     N  positions     F  features

If all units together follow a feature much better than the best unit, the network spreads it over many units. Alain &
Bengio (2016) describe probes; a probe tells what is known, not what is used.
"""

import numpy as np

from charrnn.core.insight.association import Array, Floats

RIDGE = 0.02
"""Penalty as a share of the number of positions, for units with standard deviation 1."""


def predictions(train: Floats, features: Array, test: Floats) -> Floats:
    """Fit all features on one half of the text and predict them on the other.

    Args:
        train: Activations on the half to fit, shape `(U, N)`.
        features: The features there, shape `(F, N)`.
        test: Activations on the other half, shape `(U, M)`.

    Returns:
        Predictions on the other half, shape `(F, M)`.
    """
    mean = train.mean(1, keepdims=True)
    scale = 1 / (train.std(1, keepdims=True) + np.float32(1e-6))
    units = (train - mean) * scale
    targets = features.astype(np.float32)
    targets = targets - targets.mean(1, keepdims=True)
    gram = units @ units.T
    gram[np.diag_indices_from(gram)] += np.float32(RIDGE * units.shape[1])
    coefficients = np.linalg.solve(gram, units @ targets.T)
    return (coefficients.T @ ((test - mean) * scale)).astype(np.float32)
