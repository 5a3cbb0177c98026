"""Measure how much each earlier character contributed to the probability of a character.

The network reads the text before the character many times, each time beginning one character later, with an empty
memory. Reading character s contributed log p(context from s) - log p(context from s + 1).

    n  characters of the context     R  contexts read in parallel     V  classes
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from charrnn.core.batches import Ids
from charrnn.core.network_ngram_mixture import Mixture
from charrnn.model.network.network import Network

MAX_CONTEXT = 128
"""Maximum number of characters that are considered."""
ROWS = 32
"""Contexts that are read in parallel."""

ContextFunction = Callable[[npt.NDArray[np.int32], npt.NDArray[np.int32]], Any]


def context_function(network: Network) -> ContextFunction:
    """Return a compiled function from contexts `(R, MAX_CONTEXT)`, padded at their ends, and lengths `(R,)` to the
    log-probabilities of the next character, `(R, V)`."""

    def read(contexts: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        logits, _ = network(contexts)
        return tf.nn.log_softmax(tf.gather(tf.transpose(logits, (1, 0, 2)), lengths - 1, batch_dims=1))

    return tf.function(read, jit_compile=True, autograph=False)


def context_logprobs(
    function: ContextFunction, context: Ids, target: int, mixture: Mixture | None = None
) -> npt.NDArray[np.float64]:
    """Return the log-probability of a character after each suffix of its context, the longest first.

    Args:
        function: From `context_function`.
        context: The characters before, shape `(n,)`, n ≥ 1; the last `MAX_CONTEXT` are considered.
        target: Id of the character.
        mixture: The n-grams to mix with the network.

    Returns:
        Natural logarithms, shape `(min(n, MAX_CONTEXT),)`.
    """
    context = context[-MAX_CONTEXT:].astype(np.int32)
    count = len(context)
    results = []
    for begin in range(0, count, ROWS):
        rows, lengths = np.zeros((ROWS, MAX_CONTEXT), np.int32), np.ones(ROWS, np.int32)
        for row, start in enumerate(range(begin, min(begin + ROWS, count))):
            rows[row, : count - start], lengths[row] = context[start:], count - start
        results.append(function(rows, lengths).numpy()[:, target])
    logprobs = np.concatenate(results)[:count].astype(np.float64)
    if mixture is None:
        return logprobs
    text = np.append(context, target)
    ngrams = [mixture.ngrams.probabilities(text[start:])[-1] for start in range(count)]
    return np.asarray(np.log(mixture.share * np.exp(logprobs) + (1 - mixture.share) * np.array(ngrams)))
