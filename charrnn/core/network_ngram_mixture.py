"""Mix the probabilities of a network and of an n-gram model: `p = share · network + (1 - share) · n-grams`.

Both are trained on the same text but make different errors: the n-gram model has memorized it, whereas the network
generalizes to new contexts. The share is fitted on the validation text.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn.core.ngrams import NGrams

Floats = npt.NDArray[np.floating]

HALVINGS = 40
"""Number of bisection steps for fitting the share."""


@dataclass
class Mixture:
    """An n-gram model, and the share of the network in the mixture."""

    ngrams: NGrams
    share: float = 1.0
    """Weight of the network, from 0 to 1. Until the first validation it is 1, which ignores the n-grams."""

    def losses(self, network: Floats, ngrams: Floats) -> Floats:
        """Return the loss of each character under the mixture.

        Args:
            network: Loss of each character under the network, in nats, shape `(N,)`.
            ngrams: Probability of each character under the n-gram model, shape `(N,)`.

        Returns:
            Losses in nats, shape `(N,)`.
        """
        mixed: Floats = -np.log(self.share * np.exp(-network.astype(np.float64)) + (1 - self.share) * ngrams)
        return mixed


def best_share(network: Floats, ngrams: Floats) -> float:
    """Return the share of the network, from 0 to 1, that minimizes the mean loss.

    The loss is convex in the share, so bisection finds the zero of its derivative.

    Args:
        network: Loss of each character under the network, in nats, shape `(N,)`.
        ngrams: Probability of each character under the n-gram model, above 0, shape `(N,)`.
    """
    probabilities = np.exp(-network.astype(np.float64))
    gains = probabilities - ngrams
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if np.mean(gains / (ngrams + middle * gains)) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
