"""Evaluate the loss of a text under a model that continues to learn from it (dynamic evaluation).

The network takes a gradient step on every segment after predicting it (Krause et al. 2018, "Dynamic evaluation of
neural sequence models", with plain gradients), the n-grams count every character, and the network's share moves toward
the better predictor of the two (Herbster & Warmuth 1998, with their weighted mean of probabilities). Compressors such
as PPMd learn in the same way, so only this loss can be compared with theirs.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from charrnn.core.adaptive_ngrams import AdaptiveNGrams
from charrnn.core.batches import Ids
from charrnn.core.network_ngram_mixture import Mixture
from charrnn.model.network.network import Network, State

SEGMENT, RATE, MAX_NORM = 25, 0.03, 1.0
"""Characters per step, learning rate, and the norm at which gradients are clipped. Compared with rates of 0.1 and
0.3 and with gradients scaled by root mean squares, 0.03 was best or close to the best on every text tested."""
SHARE_RATE, MIN_SHARE = 0.003, 0.01
"""Speed at which the share moves, and its minimum distance from 0 and 1, which it could not leave again."""


def adaptive_losses(network: Network, ids: Ids, mixture: Mixture | None = None) -> npt.NDArray[np.floating]:
    """Return the loss of each character except the first, in nats.

    Args:
        network: The initial network, which is not changed.
        ids: Shape `(N,)`, N ≥ 2.
        mixture: The n-grams to mix with the network, and the initial share; not changed.

    Returns:
        Shape `(N - 1,)`.
    """
    losses = _network_losses(network, ids)
    if mixture is None:
        return losses
    counting, share = AdaptiveNGrams(mixture.ngrams), mixture.share
    counting.read(int(ids[0]))
    mixed = np.empty(len(losses))
    for position, (character, probability) in enumerate(zip(ids[1:].tolist(), np.exp(-losses).tolist(), strict=True)):
        share = min(max(share, MIN_SHARE), 1 - MIN_SHARE)
        total = share * probability + (1 - share) * counting.read(character)
        mixed[position] = -np.log(total)
        share += SHARE_RATE * (share * probability / total - share)
    return mixed


def _network_losses(network: Network, ids: Ids) -> npt.NDArray[np.floating]:
    num_losses = len(ids) - 1
    padded = np.append(ids, np.zeros(-num_losses % SEGMENT, ids.dtype)).astype(np.int32)
    weights: Sequence[tf.Tensor] = [variable.value for variable in network.trainable_variables]
    state = network.zero_state(1)

    def read(weights: list[tf.Tensor], characters: tf.Tensor, state: State) -> tuple[tf.Tensor, list[tf.Tensor], State]:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            (logits, after), *_ = network.stateless_call(weights, [], characters[None, :-1], state=state)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(characters[1:], logits[:, 0])
            loss = tf.reduce_mean(losses)
        gradients: list[Any] = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, weights)]
        step = RATE * tf.minimum(1.0, MAX_NORM / tf.linalg.global_norm(gradients))
        return losses, [weight - step * gradient for weight, gradient in zip(weights, gradients, strict=True)], after

    compiled = tf.function(read, jit_compile=True, autograph=False)
    results = []
    for begin in range(0, num_losses, SEGMENT):
        losses, weights, state = compiled(weights, padded[begin : begin + SEGMENT + 1], state)
        results.append(losses.numpy())
    return np.concatenate(results)[:num_losses]
