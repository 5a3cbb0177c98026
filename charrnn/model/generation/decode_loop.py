"""Compile the generation loop, which reads and generates up to 256 characters per call.

Networks of the same sizes share the compiled functions: weights are arguments, so that a newer checkpoint of a model
does not compile anything.

S  samples generated in parallel     V  classes; the last one is "unknown" and is never generated
"""

from functools import lru_cache
from typing import Any, NamedTuple

import tensorflow as tf

from charrnn.core.options import ARCHITECTURE, preset
from charrnn.model.compute import stateless_random
from charrnn.model.generation.ngram_lookup import Tables, advance, next_probabilities
from charrnn.model.generation.sampling import Sampler
from charrnn.model.network.network import Network, State

CHUNK = 256
"""Maximum number of characters that one call reads and generates."""
ALTERNATIVES = 8
TINY = 1e-37
"""Keeps the logarithm finite where the network alone gives a probability of zero in float32."""
CACHED_LOOPS = 16
"""Number of network sizes whose compiled functions are cached."""


def decode_loop_for(network: Network) -> "DecodeLoop":
    """Return the generation loop for networks of the same sizes as this one."""
    return _decode_loop(tuple((name, network.options[name]) for name in ARCHITECTURE), network.num_classes)


class MixtureTensors(NamedTuple):
    """An n-gram model to mix with the network, as tensors."""

    tables: Tables
    share: tf.Tensor
    """The network's share, 0 … 1."""


@lru_cache(CACHED_LOOPS)
def _decode_loop(architecture: tuple[tuple[str, Any], ...], num_classes: int) -> "DecodeLoop":
    return DecodeLoop(dict(architecture), num_classes)


class DecodeLoop:
    """Functions compiled on first use, for each number of samples and combination of costly options.

    Args:
        architecture: The options that determine the shapes of a network's weights.
        num_classes: V.
    """

    def __init__(self, architecture: dict[str, Any], num_classes: int):
        self._network = Network(preset("article") | architecture, num_classes)
        self.generate = tf.function(self._generate, jit_compile=True, autograph=False)
        self.read = tf.function(self._read_window, jit_compile=True, autograph=False)

    def _call_network(self, weights: list[tf.Tensor], ids: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        """Call the network with the given weights instead of its own."""
        result: tuple[tf.Tensor, State] = self._network.stateless_call(weights, [], ids, state=state)[0]
        return result

    def _read_window(self, weights: list[tf.Tensor], ids: tf.Tensor, state: State) -> State:
        return self._call_network(weights, ids, state)[1]

    def _generate(
        self,
        weights: list[tf.Tensor],
        state: State,
        last: tf.Tensor,
        history: tf.Tensor,
        nodes: tf.Tensor,
        forced: tf.Tensor,
        whole: tf.Tensor,
        real: tf.Tensor,
        mixture: MixtureTensors | None,
        *,
        sorts: bool,
        penalizes: bool,
        alternatives: bool,
    ) -> tuple[Any, ...]:
        """Read `last`, sample the next character or take a forced one, and repeat, `count` times in total."""
        count, position, seed, top_k, sample = tf.unstack(whole)
        temperature, top_p, min_p, penalty = tf.unstack(real)
        sampler = Sampler(temperature, top_k, top_p, min_p, penalty, sorts, penalizes)
        samples, known = last.shape[0], self._network.num_classes - 1
        tops = min(ALTERNATIVES, known) if alternatives else 0
        counters = tf.reshape(sample * known + tf.range(samples * known), (samples, known))

        def body(
            t: tf.Tensor, state: State, last: tf.Tensor, history: tf.Tensor, nodes: tf.Tensor, *arrays: Any
        ) -> tuple[Any, ...]:
            logits, state = self._call_network(weights, last[:, None], state)
            logprobs = tf.nn.log_softmax(logits[0])[:, :known]
            if mixture is not None:
                logprobs = _mixed(logprobs, next_probabilities(mixture.tables, nodes)[:, :known], mixture.share)
            # Random numbers depend on the position in the text, not on how the text is divided into calls.
            noise = stateless_random.uniform(counters, seed, position + t)
            last = tf.where(forced[t] >= 0, forced[t], sampler.pick(logprobs, history, noise))
            values = [last, tf.gather(logprobs, last, axis=1, batch_dims=1)]
            if alternatives:
                values += reversed(tf.math.top_k(logprobs, tops))
            if penalizes:
                history = tf.concat([history[:, 1:], last[:, None]], 1)
            if mixture is not None:
                nodes = advance(mixture.tables, nodes, last)
            return t + 1, state, last, history, nodes, *(a.write(t, v) for a, v in zip(arrays, values, strict=True))

        arrays = _result_arrays(samples, tops)
        _, state, last, history, nodes, *arrays = tf.while_loop(
            lambda t, *_: t < count, body, (0, list(state), last, history, nodes, *arrays), maximum_iterations=CHUNK
        )
        missing = [] if alternatives else [tf.zeros((CHUNK, samples, 0), dtype) for dtype in (tf.int32, tf.float32)]
        return *(a.stack() for a in arrays), *missing, state, last, history, nodes


def _result_arrays(samples: int, alternatives: int) -> list[tf.TensorArray]:
    """Create arrays for the characters, their log-probabilities and, if there are any, the alternatives and theirs."""
    shapes = [(samples,), (samples,)] + ([(samples, alternatives)] * 2 if alternatives else [])
    dtypes = [tf.int32, tf.float32] * 2
    return [tf.TensorArray(dtype, CHUNK, element_shape=shape) for dtype, shape in zip(dtypes, shapes, strict=False)]


def _mixed(logprobs: tf.Tensor, ngrams: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Mix a network's log-probabilities with the probabilities of an n-gram model."""
    return tf.math.log(share * tf.exp(logprobs) + (1 - share) * ngrams + TINY)
