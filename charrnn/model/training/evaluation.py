"""Evaluate the cross-entropy of a text under a network, in nats per character, without dropout.

    R  rows read in parallel     W  window size in characters     V  classes

A long text is cut into rows, and the rows into as many shards as there are cores. Each row first reads the characters
before it, without counting them, to warm up its state. Every character is counted exactly once.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from charrnn.core.batches import Ids
from charrnn.model.compute.shard_count import MIN_SEQUENCES_PER_SHARD, num_shards, num_threads
from charrnn.model.network.network import Network, State

WINDOW = 128
COUNTS = 1, 2, 4, 8, 16, 32, 64
"""Possible numbers of rows and shards; only a few, because each one is compiled."""
WARM_UP = WINDOW
"""Minimum number of characters that a row reads before it counts."""
MAX_LOGITS = 16_000_000
"""Maximum number of logits in a window, 64 MB; with a large vocabulary, fewer rows are read in parallel."""
MIN_ROW, MIN_ROW_OF_BATCH = 2048, 1024
"""Minimum row lengths in characters, by default and with the shape of training batches; in shorter rows, warm-up takes
too large a share of the time."""

WindowFunction = Callable[..., tuple[tf.Tensor, State]]
"""Compiled function that returns the losses of a window of some rows."""


class EvaluationStopped(Exception):
    """The evaluation was stopped before the whole text was read."""


class Evaluation:
    """The loss of a network on the end of a text, for repeated evaluation while the network learns.

    Args:
        network: The network, which is not changed.
        ids: The whole text, shape `(N,)`.
        first: Position of the first character that counts, `1 … N-1`; characters before it are context.
        window: The `window` of another evaluation of the same network, to avoid compiling it again.
        batch_shape: Shape of the training batches, sequences × characters. If given, products are computed as in
            training, which is faster and changes the loss by about 0.001 nats. Unless the text is too short, windows
            have this shape.
    """

    def __init__(
        self,
        network: Network,
        ids: Ids,
        *,
        first: int,
        window: WindowFunction | None = None,
        batch_shape: tuple[int, int] | None = None,
    ):
        self._network, self._ids, self._first = network, ids, first
        self._dtype = network.matmul_dtype if batch_shape else "float32"
        self.num_counted = len(ids) - first
        limit = min(64, self.num_counted // MIN_ROW, MAX_LOGITS // (WINDOW * network.num_classes))
        self._rows, self._width = max(rows for rows in COUNTS if rows <= max(limit, 1)), WINDOW
        self._shards = max(shards for shards in COUNTS if shards <= min(num_threads(), self._rows))
        if (
            batch_shape
            and batch_shape[0] >= MIN_SEQUENCES_PER_SHARD
            and self.num_counted >= batch_shape[0] * MIN_ROW_OF_BATCH
        ):
            (self._rows, self._width), self._shards = batch_shape, num_shards(batch_shape[0])
        self._length = -(-self.num_counted // self._rows)
        # XLA is fastest if it compiles everything, except with bfloat16 products; cuDNN cannot be called inside it.
        self._in_xla = self._dtype == "float32" and not network.uses_cudnn
        self.window = window or tf.function(self._losses_of_window, jit_compile=self._in_xla, autograph=False)

    def loss(self, should_stop: Callable[[], bool] = bool) -> float:
        """Return the mean loss in nats per character; see `losses`."""
        return float(np.mean(self.losses(should_stop)))

    def losses(self, should_stop: Callable[[], bool] = bool) -> npt.NDArray[np.float32]:
        """Return the nats of every character that counts, in order, shape `(N - first,)`.

        Args:
            should_stop: Called between windows, from several threads.

        Raises:
            EvaluationStopped: `should_stop` returned true.
        """
        starts = self._first + self._length * np.arange(self._rows)
        with ThreadPoolExecutor(self._shards, "charrnn-evaluation") as threads:
            results = threads.map(
                lambda shard: self._losses_of_rows(shard, should_stop), np.split(starts, self._shards)
            )
        rows = np.concatenate(list(results))
        return rows.reshape(-1, *rows.shape[2:])[: self.num_counted]

    def _losses_of_rows(
        self, starts: npt.NDArray[np.int64], should_stop: Callable[[], bool]
    ) -> npt.NDArray[np.float32]:
        """Read some rows to their ends; shape `(rows, characters per row)`."""
        warm = -(-WARM_UP // self._width) * self._width if self._rows > 1 or self._first > 1 else 0
        state = self._network.zero_state(len(starts))
        for begin in range(-warm, 0, self._width):
            state = self._read(starts, begin, state)[1]
        if warm:  # a row with fewer preceding characters has read padding; it starts with a zero state
            full = tf.constant((starts > warm).astype(np.float32))[:, None]
            state = [tensor * full for tensor in state]
        windows = []
        for begin in range(0, self._length, self._width):
            if should_stop():
                raise EvaluationStopped
            losses, state = self._read(starts, begin, state)
            windows.append(losses.numpy())
        return np.concatenate(windows, 1)[:, : self._length]

    def _read(self, starts: npt.NDArray[np.int64], begin: int, state: State) -> tuple[tf.Tensor, State]:
        """Read one window of some rows, `begin` characters after their starts; the text is padded at its end."""
        positions = starts[:, None] + begin + np.arange(-1, self._width)[None, :]
        characters = self._ids[np.clip(positions, 0, len(self._ids) - 1)].astype(np.int32)
        return self.window(characters, state)

    def _losses_of_window(self, characters: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        losses, state = self._network.losses(characters, state, self._dtype, in_xla=self._in_xla)
        return tf.transpose(losses), state
