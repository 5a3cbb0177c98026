"""Writing text, a piece at a time, so that it streams.

S  samples written side by side     V  classes, the last of which is "unknown" and is never written
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from charrnn.core.generated_text import Alternative, TextChunk
from charrnn.core.stop_sequence import StopString
from charrnn.core.vocabulary import Vocabulary
from charrnn.model.compute.sharding import num_shards
from charrnn.model.generation.decode_loop import CHUNK, programs_for
from charrnn.model.generation.sampling import MEMORY
from charrnn.model.network.network import Network, State

FIRST = 16
"""Characters written by the first call, so that something shows at once."""
FEWEST_SAMPLES = 4
"""In a part of those that are written side by side; with fewer a processor of their own gains nothing."""

Int32s = npt.NDArray[np.int32]


@dataclass
class _Place:
    """Where the writing of some samples is: what was read, what comes next."""

    first: int
    """Number of the first of these samples."""
    state: State
    last: tf.Tensor
    """The newest character, not yet read, shape `(S,)`."""
    history: tf.Tensor
    """The characters up to and with `last`, newest last, -1 before the first, shape `(S, MEMORY)`."""
    rest: Int32s
    """Characters of the prompt after `last`, fewer than CHUNK."""


class Writer:
    """Writes with a network; what it runs is compiled at first use and kept for all networks of the same sizes.

    Args:
        network: Read at each call, so that a network in training writes with its newest weights.
        vocabulary: Its vocabulary.
    """

    def __init__(self, network: Network, vocabulary: Vocabulary):
        self._network, self._vocabulary = network, vocabulary
        self._programs = programs_for(network)

    def write(self, options: Mapping[str, Any], *, alternatives: bool = False) -> Iterator[TextChunk]:
        """Write texts, a piece at a time; close the iterator to stop early.

        Args:
            options: Sampling options, checked; `seed` is used as it is.
            alternatives: Give also the likeliest characters at every place; costs time.

        Yields:
            Pieces; those of one sample in order, together exactly `max_length` characters, or fewer where `stop`
            appeared.

        Raises:
            UnknownCharacters: The prompt holds characters that the network never saw, and `unknown` is `refuse`.
        """
        prompt = self._vocabulary.normalize_prompt(options["start_string"], unknown=options["unknown"])
        watches = [StopString(options["stop"]) for _ in range(options["num_samples"])]
        for ids, logprobs, top_ids, top_logprobs in self._chunks(options, prompt, alternatives):
            for sample, watch in enumerate(watches):
                if not watch.reached:
                    named = self._named(top_ids[sample], top_logprobs[sample]) if alternatives else []
                    details = [logprobs[sample].tolist()] + ([named] if alternatives else [])
                    yield from _piece(sample, *watch.feed(self._vocabulary.decode(ids[sample]), *details))
            if all(watch.reached for watch in watches):
                return
        for sample, watch in enumerate(watches):
            yield from _piece(sample, *watch.flush())

    def _chunks(
        self, options: Mapping[str, Any], prompt: str, alternatives: bool
    ) -> Iterator[tuple[npt.NDArray[Any], ...]]:
        """Run the compiled loop until all is written; yields ids, logprobs, top ids and top logprobs, `(S, n, …)`."""
        samples = options["num_samples"]
        parts = num_shards(samples, FEWEST_SAMPLES)
        places = self._start(prompt, samples, parts)
        rest = places[0].rest
        position = -len(rest)  # of the next character; 0 is the first that is chosen
        size = FIRST
        with ThreadPoolExecutor(parts, "charrnn-writing") as threads:
            while position < options["max_length"]:
                unread = min(position, 0)
                count = min(size - unread, CHUNK, options["max_length"] - position)
                forced = np.full(CHUNK, -1, np.int32)
                ahead = rest[len(rest) + unread :][:count] if unread else rest[:0]
                forced[: len(ahead)] = ahead
                call = partial(self._call, options, alternatives, forced, position, count)
                found = list(threads.map(call, places) if parts > 1 else map(call, places))
                if position + count > 0:
                    whole = (np.concatenate(own, 1) for own in zip(*found, strict=True))
                    yield tuple(np.swapaxes(one[-unread:count], 0, 1) for one in whole)
                    size = min(4 * size, CHUNK)
                position += count

    def _call(
        self, options: Mapping[str, Any], alternatives: bool, forced: Int32s, position: int, count: int, place: _Place
    ) -> list[npt.NDArray[Any]]:
        """Let some samples go on; returns ids, logprobs, top ids and top logprobs, `(CHUNK, S, …)`."""
        *results, place.state, place.last, place.history = self._programs.write(
            self._weights(),
            place.state,
            place.last,
            place.history,
            tf.constant(forced),
            tf.constant([count, position, options["seed"], options["top_k"], place.first], tf.int32),
            tf.constant([options[n] for n in ("temperature", "top_p", "min_p", "repetition_penalty")], tf.float32),
            sorts=options["top_k"] > 0 or options["top_p"] < 1,
            penalizes=options["repetition_penalty"] > 1,
            alternatives=alternatives,
        )
        return [result.numpy() for result in results]

    def _start(self, prompt: str, samples: int, parts: int) -> list[_Place]:
        """Read the beginning of a long prompt in whole windows; the loop itself reads the rest.

        Returns:
            Where each part of the samples begins.
        """
        given = self._vocabulary.encode(prompt or self._before_everything()).astype(np.int32)
        state = self._network.zero_state(1)
        done = (len(given) - 1) // CHUNK * CHUNK
        for begin in range(0, done, CHUNK):
            state = self._programs.read(self._weights(), tf.constant(given[None, begin : begin + CHUNK]), state)
        history = np.full((samples // parts, MEMORY), -1, np.int32)
        recent = given[: done + 1][-MEMORY:]
        if prompt:
            history[:, MEMORY - len(recent) :] = recent
        return [
            _Place(
                first,
                [tf.repeat(memory, samples // parts, 0) for memory in state],
                tf.fill([samples // parts], int(given[done])),
                tf.constant(history),
                given[done + 1 :],
            )
            for first in range(0, samples, samples // parts)
        ]

    def _weights(self) -> list[tf.Tensor]:
        return [variable.value for variable in self._network.trainable_variables]

    def _before_everything(self) -> str:
        """What an empty prompt goes on from: a line end, or the likeliest substitute."""
        known = self._vocabulary.characters
        return next((character for character in "\n " if character in known), known[0])

    def _named(self, ids: npt.NDArray[Any], logprobs: npt.NDArray[Any]) -> list[tuple[Alternative, ...]]:
        known = self._vocabulary.characters
        return [
            tuple(Alternative(known[i], float(p)) for i, p in zip(row, values, strict=True))
            for row, values in zip(ids, logprobs, strict=True)
        ]


def _piece(sample: int, text: str, details: list[Any]) -> Iterator[TextChunk]:
    if text:
        yield TextChunk(sample, text, *(tuple(detail) for detail in details))
