"""Compute, for each character of a text, its surprise and the moments that `charrnn.core.text_fit` needs.

R  rows read in parallel     W  characters in a window     V  classes; the last one is "unknown"     T  temperatures
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from charrnn.core.batches import Ids
from charrnn.core.network_ngram_mixture import Mixture
from charrnn.core.text_fit import TEMPERATURES, CharacterMoments
from charrnn.model.generation.decode_loop import TINY
from charrnn.model.generation.ngram_lookup import next_probabilities, tables_of
from charrnn.model.network.network import Network, State
from charrnn.model.training.evaluation import Evaluation, WindowFunction

Floats = npt.NDArray[np.floating]


class TextStatistics(Evaluation):
    """Reads a text as `Evaluation` does, so that the surprise of its characters agrees with `score`.

    Args:
        network: The network, which is not changed.
        ids: The text, shape `(N,)`, N ≥ 2.
        first: Position of the first character that counts, `1 … N-1`; characters before it are context.
        mixture: The n-grams to mix with the network.
        window: The `window` of another text of the same network, to avoid compiling it again.
    """

    def __init__(
        self,
        network: Network,
        ids: Ids,
        *,
        first: int = 1,
        mixture: Mixture | None = None,
        window: WindowFunction | None = None,
    ):
        self._share = 1.0 if mixture is None else mixture.share
        self._contexts = None if mixture is None else mixture.ngrams.contexts(ids)
        self._tables = None if mixture is None or window is not None else tables_of(mixture.ngrams)
        super().__init__(network, ids, first=first, window=window)

    def read(self, progress: Callable[[float], None] | None = None) -> tuple[Floats, CharacterMoments]:
        """Read the text.

        Args:
            progress: Called with the completed fraction, from several threads; an exception cancels the operation.

        Returns:
            The surprise of each character that counts, in nats, `(N - first,)`, and the moments. Unknown characters
            have a surprise, as in `score`, but their moments mean nothing.
        """
        num_windows, done = self._shards * -(-self._length // self._width), 0

        def report() -> bool:
            nonlocal done
            done += 1
            if progress:
                progress(min(1.0, done / num_windows))
            return False

        nats, logprobs, *moments = np.moveaxis(self.losses(report), 1, 0)
        half = len(TEMPERATURES)
        return nats, CharacterMoments(logprobs, np.stack(moments[:half], 1), np.stack(moments[half:], 1))

    def _read(self, starts: npt.NDArray[np.int64], begin: int, state: State) -> tuple[tf.Tensor, State]:
        if self._contexts is None:
            return super()._read(starts, begin, state)
        positions = starts[:, None] + begin + np.arange(-1, self._width)[None, :]
        positions = np.clip(positions, 0, len(self._ids) - 1)
        characters = self._ids[positions].astype(np.int32)
        return self.window(characters, state, self._contexts[positions[:, :-1]], np.float32(self._share))

    def _losses_of_window(
        self, characters: tf.Tensor, state: State, contexts: tf.Tensor | None = None, share: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, State]:
        """Return surprise, log-probability, T means and T variances, shape `(R, W, 2 + 2T)`."""
        logits, state = self._network(characters[:, :-1], state=state)
        logprobs = tf.transpose(tf.nn.log_softmax(logits), (1, 0, 2))
        if self._tables is not None and contexts is not None and share is not None:
            rows = tf.reshape(contexts, (-1, contexts.shape[2]))
            ngrams = tf.reshape(next_probabilities(self._tables, rows), logprobs.shape)
            logprobs = tf.math.log(share * tf.exp(logprobs) + (1 - share) * ngrams + TINY)
        targets, num_known = characters[:, 1:], self._network.num_classes - 1
        known = tf.nn.log_softmax(logprobs[..., :num_known])
        results = [
            -tf.gather(logprobs, targets, batch_dims=2),
            tf.gather(known, tf.minimum(targets, num_known - 1), batch_dims=2),
        ]
        means, variances = [], []
        for temperature in TEMPERATURES:
            probabilities = tf.nn.softmax(known / temperature)
            mean = tf.reduce_sum(probabilities * known, 2, keepdims=True)
            means.append(mean[..., 0])
            variances.append(tf.reduce_sum(probabilities * (known - mean) ** 2, 2))
        return tf.stack([*results, *means, *variances], 2), state
