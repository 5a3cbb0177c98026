"""What a text costs under a network: mean cross-entropy in nats per character, memory carried, no unit dropped.

    R  rows that are read side by side     W  characters of a window     V  classes

A long text is cut into rows. Each row first reads what stands before it, uncounted, so that its memory is warm; every
character is counted exactly once.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from charrnn.core.batches import Ids
from charrnn.model.network import Network, State

WINDOW = 128
WARM_UP = 2 * WINDOW
"""Characters that a row reads before it counts."""
LARGEST_LOGITS = 16_000_000
"""Numbers in a window's scores, 64 MB; fewer rows are read side by side where the vocabulary is large."""

Window = Callable[[npt.NDArray[np.int32], State], tuple[tf.Tensor, State]]
"""Compiled: what a window of every row costs."""


class Stopped(Exception):
    """Somebody asked to stop before the whole text was read."""


class Evaluation:
    """The loss of a network on one part of a text, for calling again as the network learns.

    Args:
        network: Read at each call, never changed.
        ids: The whole text, shape `(N,)`.
        first: Position of the first character that counts, `1 … N-1`; what stands before it is context.
        window: That of another evaluation of the same network, which saves compiling it again.
    """

    def __init__(self, network: Network, ids: Ids, *, first: int, window: Window | None = None):
        self._network, self._ids, self._first = network, ids, first
        self.num_counted = len(ids) - first
        most = min(64, self.num_counted // 2048, LARGEST_LOGITS // (WINDOW * network.num_classes))
        # few different numbers of rows, since each is compiled
        self._rows = max(rows for rows in (1, 2, 4, 8, 16, 32, 64) if rows <= max(most, 1))
        self._length = -(-self.num_counted // self._rows)
        self.window = window or tf.function(self._losses_of_window, jit_compile=True, autograph=False)

    def loss(self, should_stop: Callable[[], bool] = bool) -> float:
        """Return nats per character; as `losses`."""
        return float(np.mean(self.losses(should_stop)))

    def losses(self, should_stop: Callable[[], bool] = bool) -> npt.NDArray[np.float32]:
        """Return the nats of every character that counts, in order, shape `(N - first,)`.

        Args:
            should_stop: Asked between windows.

        Raises:
            Stopped: It answered yes.
        """
        starts = self._first + self._length * np.arange(self._rows)
        warm = WARM_UP if self._rows > 1 or self._first > 1 else 0
        state = self._network.zero_state(self._rows)
        for begin in range(-warm, 0, WINDOW):
            state = self._read(starts, begin, state)[1]
        if warm:  # a row with less before it than the warm-up has read filling; it begins with an empty memory
            full = tf.constant((starts > warm).astype(np.float32))[:, None]
            state = [memory * full for memory in state]
        parts = []
        for begin in range(0, self._length, WINDOW):
            if should_stop():
                raise Stopped
            losses, state = self._read(starts, begin, state)
            parts.append(losses.numpy())
        return np.concatenate(parts, 1)[:, : self._length].reshape(-1)[: self.num_counted]

    def _read(self, starts: npt.NDArray[np.int64], begin: int, state: State) -> tuple[tf.Tensor, State]:
        """Read one window of every row, from `begin` characters after its start; beyond the text stands filling."""
        positions = starts[:, None] + begin + np.arange(-1, WINDOW)[None, :]
        characters = self._ids[np.clip(positions, 0, len(self._ids) - 1)].astype(np.int32)
        return self.window(characters, state)

    def _losses_of_window(self, characters: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        logits, state = self._network(characters[:, :-1], state=state)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.transpose(characters[:, 1:]), logits=logits)
        return tf.transpose(losses), state
