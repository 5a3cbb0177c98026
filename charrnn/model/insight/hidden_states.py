"""Read stretches of text with a network and return the activations of all its units, and the nats of each character.

    R  stretches     N  characters of each     U  units     B  sequences of a shard     V  classes

The network reads one character after another, so that its state after each one is known for every cell, and that units
can be held at a value. Networks of the same sizes share the compiled function.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from charrnn.core.insight.stopped import InsightStopped
from charrnn.core.insight.unit import UnitLayout
from charrnn.core.options import ARCHITECTURE, preset
from charrnn.model.compute.shard_count import num_shards
from charrnn.model.insight.held_units import HeldUnits
from charrnn.model.network.network import Network, State

WINDOW = 128
"""Characters that one call of the compiled function reads."""
WARM_UP = WINDOW
"""Characters that a network reads before those that count."""
MIN_PER_SHARD = 4
CACHED_READERS = 8

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Hold:
    """A unit to hold at a value in each stretch."""

    index: Ints
    """Index of the unit, shape `(R,)`; -1 to hold none."""
    value: Floats
    """Shape `(R,)`."""


def unit_layout(network: Network) -> UnitLayout:
    """Return the order of a network's units."""
    layer = network.recurrent[0]
    return UnitLayout(len(network.recurrent), layer.units, layer.num_states == 2)


def read(
    network: Network,
    rows: Ints,
    *,
    warm_up: int,
    hold: Hold | None = None,
    with_states: bool = True,
    progress: Callable[[float], None] = lambda done: None,
    should_stop: Callable[[], bool] = bool,
) -> tuple[Floats, Floats]:
    """Read stretches of text.

    Args:
        network: The network, which is not changed.
        rows: Ids, shape `(R, warm_up + N + 1)`; the last column is only predicted.
        warm_up: Number of characters at the beginning of each stretch that do not count.
        hold: Units to hold.
        with_states: Whether to return activations.
        progress: Called with the completed fraction, from several threads.
        should_stop: Called between windows, from several threads.

    Returns:
        The activations after each character, shape `(U, R · N)`, stretch after stretch, or `(U, 0)` without them; the
        nats of the character after each one, shape `(R, N)`.

    Raises:
        InsightStopped: `should_stop` returned true.
    """
    shards = num_shards(len(rows), MIN_PER_SHARD)
    count, length = len(rows), rows.shape[1] - 1 - warm_up
    states = np.empty((len(unit_layout(network)), count, length if with_states else 0), np.float32)
    nats = np.empty((count, length), np.float32)
    done = [0] * shards

    def read_shard(number: int) -> None:
        part = slice(number * count // shards, (number + 1) * count // shards)
        held = None if hold is None else HeldUnits(tf.constant(hold.index[part]), tf.constant(hold.value[part]))
        for begin, end, seen, losses in _windows(network, rows[part], held, with_states):
            if should_stop():
                raise InsightStopped
            first, start, stop = max(0, warm_up - begin), max(0, begin - warm_up), max(0, end - warm_up)
            nats[part, start:stop] = losses[first : end - begin].T
            if with_states:
                states[:, part, start:stop] = seen[first : end - begin].transpose(2, 1, 0)
            done[number] = end
            progress(sum(done) / (shards * (rows.shape[1] - 1)))

    with ThreadPoolExecutor(shards, "charrnn-insight") as threads:
        list(threads.map(read_shard, range(shards)))
    return states.reshape(len(states), -1), nats


def _windows(
    network: Network, rows: Ints, held: HeldUnits | None, with_states: bool
) -> Iterator[tuple[int, int, Floats, Floats]]:
    """Read rows `(B, N + 1)` window by window.

    Yields:
        First position of the window, the position after it, activations `(WINDOW, B, U)` and nats `(WINDOW, B)`; what
        follows the last position is padding.
    """
    reader, weights = _reader_for(network), [variable.value for variable in network.trainable_variables]
    state = network.zero_state(len(rows))
    for begin in range(0, rows.shape[1] - 1, WINDOW):
        window = rows[:, begin : begin + WINDOW + 1]
        steps = window.shape[1] - 1
        padded = np.pad(window, ((0, 0), (0, WINDOW - steps)), mode="edge")
        seen, losses, state = reader.read(weights, tf.constant(padded), state, held, with_states=with_states)
        yield begin, begin + steps, seen.numpy(), losses.numpy()


def _reader_for(network: Network) -> "_Reader":
    return _cached_reader(tuple((name, network.options[name]) for name in ARCHITECTURE), network.num_classes)


@lru_cache(CACHED_READERS)
def _cached_reader(architecture: tuple[tuple[str, Any], ...], num_classes: int) -> "_Reader":
    return _Reader(dict(architecture), num_classes)


class _Reader:
    """A function compiled on first use, for each number of sequences."""

    def __init__(self, architecture: dict[str, Any], num_classes: int):
        self._network = Network(preset("article") | architecture, num_classes)
        self.read = tf.function(self._read, jit_compile=True, autograph=False)

    def _read(
        self, weights: list[tf.Tensor], ids: tf.Tensor, state: State, held: HeldUnits | None, *, with_states: bool
    ) -> tuple[tf.Tensor, tf.Tensor, State]:
        """Read a window `(B, WINDOW + 1)`; return activations `(WINDOW, B, U)`, nats `(WINDOW, B)` and the state."""
        network, sequences = self._network, ids.shape[0]
        units = len(unit_layout(network)) if with_states else 0
        skipped = network.convolution.num_states if network.convolution is not None else 0
        columns = tf.transpose(ids)
        hook = None if held is None else held.after_layer

        def step(t: tf.Tensor, state: State, states: tf.TensorArray, nats: tf.TensorArray) -> tuple[Any, ...]:
            arguments = {"state": state, "after_layer": hook}
            (logits, after), _ = network.stateless_call(weights, [], columns[t][:, None], **arguments)
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(columns[t + 1], logits[0])
            after = list(after)
            seen = tf.concat(after[skipped:], 1) if with_states else tf.zeros((sequences, 0))
            return t + 1, after, states.write(t, seen), nats.write(t, loss)

        arrays = [
            tf.TensorArray(tf.float32, WINDOW, element_shape=shape) for shape in ((sequences, units), (sequences,))
        ]
        _, state, states, nats = tf.while_loop(
            lambda t, *_: t < WINDOW, step, (0, list(state), *arrays), maximum_iterations=WINDOW
        )
        return states.stack(), nats.stack(), state
