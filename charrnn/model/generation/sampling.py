"""Sample the next character from the network's logits.

S  samples generated in parallel     V  characters
"""

from dataclasses import dataclass

import tensorflow as tf

HISTORY = 256
"""Number of previous characters in which repetitions are detected."""
CONTEXT = 5
"""Number of equal preceding characters that make a character a repetition."""
FORBIDDEN = -1e9
"""Logarithm of the probability of excluded characters; finite, because infinity times zero is NaN."""


@dataclass(frozen=True)
class Sampler:
    """The sampling options as tensors, and the costly operations that are compiled in."""

    temperature: tf.Tensor
    top_k: tf.Tensor
    top_p: tf.Tensor
    min_p: tf.Tensor
    penalty: tf.Tensor
    sorts: bool
    """Whether top-k or top-p is used, which require sorting."""
    penalizes: bool
    """Whether the repetition penalty is used."""

    def pick(self, logprobs: tf.Tensor, history: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """Sample one character for each sample.

        Args:
            logprobs: Log-probabilities of the model (natural logarithm), shape `(S, V)`.
            history: The previous characters, newest last, -1 before the first, shape `(S, HISTORY)`.
            noise: Random numbers in (0, 1), shape `(S, V)`, the only source of randomness.

        Returns:
            Ids, shape `(S,)`.
        """
        if self.penalizes:
            logprobs = self._penalized(logprobs, history)
        greedy = self.temperature <= 0
        scores = logprobs / tf.where(greedy, 1.0, self.temperature)
        scores = tf.where(scores < self._threshold(scores), FORBIDDEN, scores)
        gumbel = -tf.math.log(-tf.math.log(noise))  # Gumbel-max trick: the argmax is a sample of the softmax
        return tf.argmax(scores + tf.where(greedy, 0.0, gumbel), 1, output_type=tf.int32)

    def _threshold(self, scores: tf.Tensor) -> tf.Tensor:
        """Return the lowest score that may be sampled, shape `(S, 1)`: the strictest of min-p, top-k and top-p."""
        best = tf.reduce_max(scores, 1, keepdims=True)
        lowest = best + tf.math.log(tf.maximum(self.min_p, 1e-30))
        if not self.sorts:
            return lowest
        descending = tf.sort(scores, 1, direction="DESCENDING")
        last = tf.where(self.top_k > 0, tf.minimum(self.top_k, scores.shape[1]), scores.shape[1]) - 1
        lowest = tf.maximum(lowest, tf.gather(descending, last, axis=1)[:, None])
        # Top-p keeps a character if more likely ones have a total probability below p; the first is always kept.
        cumulative = tf.cumsum(tf.nn.softmax(descending, 1), 1, exclusive=True)
        kept = tf.where(cumulative < self.top_p, descending, best)
        return tf.maximum(lowest, tf.reduce_min(kept, 1, keepdims=True))

    def _penalized(self, logprobs: tf.Tensor, history: tf.Tensor) -> tf.Tensor:
        """Divide a character's probability by the penalty for each time it followed the same context."""
        positions = HISTORY - CONTEXT
        same = tf.ones((history.shape[0], positions), tf.bool)
        for offset in range(CONTEXT):
            same &= history[:, offset : offset + positions] == history[:, positions + offset, None]
        followers = history[:, CONTEXT:]
        amounts = tf.where(same & (followers >= 0), -tf.math.log(self.penalty), 0.0)
        rows = tf.broadcast_to(tf.range(history.shape[0])[:, None], followers.shape)
        return tf.tensor_scatter_nd_add(logprobs, tf.stack([rows, tf.maximum(followers, 0)], 2), amounts)
