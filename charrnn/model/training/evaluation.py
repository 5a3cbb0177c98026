"""What a text costs under a network: mean cross-entropy in nats per character, memory carried, no unit dropped.

    R  rows that are read side by side     W  characters of a window     V  classes

A long text is cut into rows, and the rows into as many parts as there are processors, which read side by side. Each row
first reads what stands before it, uncounted, so that its memory is warm; every character is counted exactly once.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from charrnn.core.batches import Ids
from charrnn.model.compute.sharding import MIN_SEQUENCES_PER_SHARD, num_shards, num_threads
from charrnn.model.network.network import Network, State

WINDOW = 128
COUNTS = 1, 2, 4, 8, 16, 32, 64
"""Rows and parts that a text is cut into: few different numbers, since each is compiled."""
WARM_UP = WINDOW
"""Characters that a row reads at least before it counts."""
LARGEST_LOGITS = 16_000_000
"""Numbers in a window's scores, 64 MB; fewer rows are read side by side where the vocabulary is large."""
SHORTEST_ROW, SHORTEST_ROW_OF_A_BATCH = 2048, 1024
"""Characters; in shorter rows too much of the reading would be warm-up. Compiling another shape costs more."""

Window = Callable[[npt.NDArray[np.int32], State], tuple[tf.Tensor, State]]
"""Compiled: what a window of some rows costs."""


class Stopped(Exception):
    """Somebody asked to stop before the whole text was read."""


class Evaluation:
    """The loss of a network on one part of a text, for calling again as the network learns.

    Args:
        network: Read at each call, never changed.
        ids: The whole text, shape `(N,)`.
        first: Position of the first character that counts, `1 … N-1`; what stands before it is context.
        window: That of another evaluation of the same network, which saves compiling it again.
        like: Shape of training's batches, sequences and characters. Then it multiplies as training does, which is
            quicker and differs by a thousandth of a nat, and reads in this shape, which is compiled already, unless the
            text is too short for that.
    """

    def __init__(
        self,
        network: Network,
        ids: Ids,
        *,
        first: int,
        window: Window | None = None,
        like: tuple[int, int] | None = None,
    ):
        self._network, self._ids, self._first = network, ids, first
        self._dtype = network.matmul_dtype if like else "float32"
        self.num_counted = len(ids) - first
        most = min(64, self.num_counted // SHORTEST_ROW, LARGEST_LOGITS // (WINDOW * network.num_classes))
        self._rows, self._width = max(rows for rows in COUNTS if rows <= max(most, 1)), WINDOW
        self._parts = max(parts for parts in COUNTS if parts <= min(num_threads(), self._rows))
        if like and like[0] >= MIN_SEQUENCES_PER_SHARD and self.num_counted >= like[0] * SHORTEST_ROW_OF_A_BATCH:
            (self._rows, self._width), self._parts = like, num_shards(like[0])
        self._length = -(-self.num_counted // self._rows)
        # what XLA does well it does best in one program; products in bfloat16 it does not, and cuDNN it cannot
        self._in_xla = self._dtype == "float32" and not network.uses_cudnn
        self.window = window or tf.function(self._losses_of_window, jit_compile=self._in_xla, autograph=False)

    def loss(self, should_stop: Callable[[], bool] = bool) -> float:
        """Return nats per character; as `losses`."""
        return float(np.mean(self.losses(should_stop)))

    def losses(self, should_stop: Callable[[], bool] = bool) -> npt.NDArray[np.float32]:
        """Return the nats of every character that counts, in order, shape `(N - first,)`.

        Args:
            should_stop: Asked between windows, from several threads.

        Raises:
            Stopped: It answered yes.
        """
        starts = self._first + self._length * np.arange(self._rows)
        with ThreadPoolExecutor(self._parts, "charrnn-evaluation") as threads:
            found = threads.map(lambda own: self._losses_of_rows(own, should_stop), np.split(starts, self._parts))
        return np.concatenate(list(found)).reshape(-1)[: self.num_counted]

    def _losses_of_rows(
        self, starts: npt.NDArray[np.int64], should_stop: Callable[[], bool]
    ) -> npt.NDArray[np.float32]:
        """Read some rows to their ends; shape `(rows, characters of a row)`."""
        warm = -(-WARM_UP // self._width) * self._width if self._rows > 1 or self._first > 1 else 0
        state = self._network.zero_state(len(starts))
        for begin in range(-warm, 0, self._width):
            state = self._read(starts, begin, state)[1]
        if warm:  # a row with less before it than the warm-up has read filling; it begins with an empty memory
            full = tf.constant((starts > warm).astype(np.float32))[:, None]
            state = [memory * full for memory in state]
        windows = []
        for begin in range(0, self._length, self._width):
            if should_stop():
                raise Stopped
            losses, state = self._read(starts, begin, state)
            windows.append(losses.numpy())
        return np.concatenate(windows, 1)[:, : self._length]

    def _read(self, starts: npt.NDArray[np.int64], begin: int, state: State) -> tuple[tf.Tensor, State]:
        """Read one window of some rows, from `begin` characters after their start; beyond the text stands filling."""
        positions = starts[:, None] + begin + np.arange(-1, self._width)[None, :]
        characters = self._ids[np.clip(positions, 0, len(self._ids) - 1)].astype(np.int32)
        return self.window(characters, state)

    def _losses_of_window(self, characters: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        losses, state = self._network.losses(characters, state, self._dtype, in_xla=self._in_xla)
        return tf.transpose(losses), state
