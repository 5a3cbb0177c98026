"""A network and an n-gram model of the same text, mixed: `p = share · network + (1 - share) · n-grams`.

Both were made from the same characters, and err differently: the n-grams know by heart what the network has to learn,
the network knows what was never there. The share is found on text that neither has seen.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn.core.ngrams import NGrams

Floats = npt.NDArray[np.floating]

HALVINGS = 40
"""Of the interval in which the share is looked for, 0 … 1."""


@dataclass
class Mixture:
    """The n-grams beside a network, and the network's share."""

    ngrams: NGrams
    share: float = 1.0
    """0 … 1; at 1 the n-grams have no say, as before the first validation."""

    def losses(self, network: Floats, ngrams: Floats) -> Floats:
        """Return what characters cost under both together.

        Args:
            network: What each costs under the network, in nats, shape `(N,)`.
            ngrams: The probability of each by the n-grams, shape `(N,)`.

        Returns:
            Nats, shape `(N,)`.
        """
        mixed: Floats = -np.log(self.share * np.exp(-network.astype(np.float64)) + (1 - self.share) * ngrams)
        return mixed


def best_share(network: Floats, ngrams: Floats) -> float:
    """Find the share with which characters cost least; their cost is convex in it, so its slope has one zero.

    Args:
        network: What each character costs under the network, in nats, shape `(N,)`.
        ngrams: The probability of each by the n-grams, above 0, shape `(N,)`.

    Returns:
        The network's share, 0 … 1.
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
