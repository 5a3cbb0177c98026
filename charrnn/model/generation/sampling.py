"""How the next character is chosen from the network's scores. Knows tensors only.

S  samples written side by side     V  characters
"""

from dataclasses import dataclass

import tensorflow as tf

MEMORY = 256
"""Characters back in which repetitions are looked for."""
CONTEXT = 5
"""Characters that must be the same before one counts as a repetition."""
NEVER = -1e9
"""Logarithm of the probability of what must not be written; finite, since infinities times zero are not numbers."""


@dataclass(frozen=True)
class Choice:
    """The sampling options as tensors, and which of the costly parts are compiled in."""

    temperature: tf.Tensor
    top_k: tf.Tensor
    top_p: tf.Tensor
    min_p: tf.Tensor
    penalty: tf.Tensor
    sorts: bool
    """Whether top-k or top-p is used: they need the characters sorted."""
    penalizes: bool
    """Whether the repetition penalty is used."""

    def pick(self, logprobs: tf.Tensor, history: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """Choose one character for each sample.

        Args:
            logprobs: Natural logarithms of the model's probabilities, shape `(S, V)`.
            history: The last characters, newest last, -1 where there are none yet, shape `(S, MEMORY)`.
            noise: Uniform random numbers within 0 and 1, shape `(S, V)`; they alone decide what chance decides.

        Returns:
            Ids, shape `(S,)`.
        """
        if self.penalizes:
            logprobs = self._penalized(logprobs, history)
        greedy = self.temperature <= 0
        scores = logprobs / tf.where(greedy, 1.0, self.temperature)
        scores = tf.where(scores < self._threshold(scores), NEVER, scores)
        gumbel = -tf.math.log(-tf.math.log(noise))  # adding it and taking the largest draws from the softmax
        return tf.argmax(scores + tf.where(greedy, 0.0, gumbel), 1, output_type=tf.int32)

    def _threshold(self, scores: tf.Tensor) -> tf.Tensor:
        """Return the lowest score that may be chosen, shape `(S, 1)`: the strictest of min-p, top-k and top-p."""
        best = tf.reduce_max(scores, 1, keepdims=True)
        lowest = best + tf.math.log(tf.maximum(self.min_p, 1e-30))
        if not self.sorts:
            return lowest
        falling = tf.sort(scores, 1, direction="DESCENDING")
        last = tf.where(self.top_k > 0, tf.minimum(self.top_k, scores.shape[1]), scores.shape[1]) - 1
        lowest = tf.maximum(lowest, tf.gather(falling, last, axis=1)[:, None])
        # top-p keeps a character when those before it do not yet have probability p; the first is always kept
        before = tf.cumsum(tf.nn.softmax(falling, 1), 1, exclusive=True)
        kept = tf.where(before < self.top_p, falling, best)
        return tf.maximum(lowest, tf.reduce_min(kept, 1, keepdims=True))

    def _penalized(self, logprobs: tf.Tensor, history: tf.Tensor) -> tf.Tensor:
        """Divide a character's probability by the penalty for each time it followed the same context before."""
        places = MEMORY - CONTEXT
        same = tf.ones((history.shape[0], places), tf.bool)
        for offset in range(CONTEXT):
            same &= history[:, offset : offset + places] == history[:, places + offset, None]
        followers = history[:, CONTEXT:]
        amounts = tf.where(same & (followers >= 0), -tf.math.log(self.penalty), 0.0)
        rows = tf.broadcast_to(tf.range(history.shape[0])[:, None], followers.shape)
        return tf.tensor_scatter_nd_add(logprobs, tf.stack([rows, tf.maximum(followers, 0)], 2), amounts)
