"""The network, built from options: characters in, a score for every possible next character out.

B  sequences     T  characters in a sequence     V  classes: the vocabulary and one for all unknown characters
"""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from charrnn.model.compute.precision import product_dtype
from charrnn.model.compute.xla_compile import fused
from charrnn.model.network import cudnn
from charrnn.model.network.convolution import Convolution
from charrnn.model.network.dropout import dropout
from charrnn.model.network.initializers import StartValues
from charrnn.model.network.input_projection import Embedded, lookup, project
from charrnn.model.network.loss import cross_entropy
from charrnn.model.network.recurrent_layers import GRU, LSTM, RNN, MinGRU
from charrnn.model.network.residual import added, normalized

CLASSIC_CELLS = {"lstm": LSTM, "gru": GRU, "rnn": RNN}

ARCHITECTURE = (
    "cell",
    "lstm_size",
    "num_layers",
    "use_embedding",
    "embedding_size",
    "max_vocab",
)
"""Options that decide the shapes of the weights; a checkpoint cannot go on with others."""

EXACT_SCORES = 512
"""Up to this many classes scores are always multiplied in float32: it costs little, and half of what bfloat16 loses is
lost there."""

State = list[tf.Tensor]


@fused
def _dropped(x: tf.Tensor, *seed: tf.Tensor, drop: float, dtype: str) -> tf.Tensor:
    """Drop units of a layer's output and make it ready for the next product."""
    return tf.cast(dropout(x, drop, *seed) if drop > 0 else x, dtype)


@keras.saving.register_keras_serializable("charrnn")
class Network(keras.Model):
    """A character RNN.

    Args:
        options: Training options; those of the group "Network" and `seed` are read.
        num_classes: V.
    """

    def __init__(self, options: Mapping[str, Any], num_classes: int):
        super().__init__(name="charrnn")
        self.options, self.num_classes = dict(options), num_classes
        self.drop = 1 - options["train_keep_prob"]
        self.product_dtype = product_dtype(options["precision"], options["lstm_size"])
        self.uses_cudnn = cudnn.uses_cudnn(options["cell"])
        start = StartValues(options["init"], options["seed"])
        units, depth, fast = options["lstm_size"], options["num_layers"], options["cell"] == "mingru"
        # The fast cell adds to its input, so characters must enter at its size; one-hot vectors then enter by one
        # product, which is a table of that size.
        size = options["embedding_size"] if options["use_embedding"] else units if fast else num_classes
        self.table = None
        if fast or options["use_embedding"]:
            table_start = start.normal(0.02) if fast else start.table()
            self.table = self.add_weight((num_classes, size), table_start, name="table")
        self.entry = None
        if fast and size != units:
            self.entry = self.add_weight((size, units), start.normal(size**-0.5), name="entry")
        self.convolution = Convolution(units, start=start, name="convolution") if fast else None
        self.recurrent: list[keras.layers.Layer] = []
        for number in range(1, depth + 1):
            name = f"layer_{number}"
            if fast:
                layer = MinGRU(units, depth, start=start, name=name)
            else:
                cell = CLASSIC_CELLS[options["cell"]]
                inputs = size if number == 1 else units
                layer = cell(inputs, units, start=start, name=name)
            self.recurrent.append(layer)
        self.output_kernel = self.add_weight(
            (units, num_classes), start.normal(0.02) if fast else start.output(), name="output_kernel"
        )
        self.output_bias = self.add_weight(
            (num_classes,), keras.initializers.Zeros() if fast else start.output_bias(), name="output_bias"
        )
        self.built = True

    @property
    def inner(self) -> list[keras.Variable]:
        """The matrices between units: neither tables nor what reads one-hot vectors or gives scores."""
        matrices = [weight for layer in self.recurrent for weight in layer.weights if len(weight.shape) > 1]
        return matrices if self.table is not None else matrices[1:]

    def zero_state(self, batch: int) -> State:
        """Return the memory before anything was read: one tensor `(batch, units)` for each state of each layer."""
        layers = [self.convolution, *self.recurrent] if self.convolution else self.recurrent
        return [tf.zeros((batch, layer.units)) for layer in layers for _ in range(layer.num_states)]

    def call(
        self, ids: tf.Tensor, state: State | None = None, training: bool = False, seed: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, State]:
        """Read characters.

        Args:
            ids: Shape `(B, T)`, each in `0 … V-1`.
            state: Memory to go on from, as `zero_state` gives it; nothing read yet if missing.
            training: Drop units, and multiply in the type that suits the machine instead of float32.
            seed: A number that decides which units drop; needed in training unless all are kept.

        Returns:
            Scores before softmax, time-major, shape `(T, B, V)`, and the memory after the last character.
        """
        before = self.zero_state(ids.shape[0]) if state is None else state
        dtype, drop = (self.product_dtype, self.drop) if training else ("float32", 0.0)
        x, after = self._read(ids, before, dtype, drop=drop, seed=seed)
        return tf.cast(self._scores(x, dtype), "float32") + self.output_bias, after

    def losses(
        self,
        batch: tf.Tensor,
        state: State,
        dtype: str,
        *,
        drop: float = 0.0,
        seed: tf.Tensor | None = None,
        in_xla: bool = False,
    ) -> tuple[tf.Tensor, State]:
        """Read characters and say what the next ones cost.

        Args:
            batch: Shape `(B, T + 1)`: what is read, and one further, what comes.
            state: Memory to go on from, as `zero_state` gives it.
            dtype: Type of large products, `float32` or `bfloat16`.
            drop: Probability of dropping a unit.
            seed: A number that decides which; needed where units drop.
            in_xla: All of this becomes part of one program of XLA, where cuDNN cannot be used.

        Returns:
            Nats, time-major, shape `(T, B)`, and the memory after the last character that was read.
        """
        x, after = self._read(batch[:, :-1], state, dtype, drop=drop, seed=seed, in_xla=in_xla)
        targets = tf.transpose(batch[:, 1:])
        return cross_entropy(self._scores(x, dtype), tf.convert_to_tensor(self.output_bias), targets), after

    def _scores(self, x: tf.Tensor, dtype: str) -> tf.Tensor:
        """Return scores without their bias."""
        return project(x, self.output_kernel, "float32" if self.num_classes <= EXACT_SCORES else dtype)

    def _read(
        self, ids: tf.Tensor, state: State, dtype: str, *, drop: float, seed: tf.Tensor | None, in_xla: bool = True
    ) -> tuple[tf.Tensor, State]:
        """Return what the last layer gives, `(T, B, H)`, and the memory after it."""
        before = list(state)
        after: State = []
        x = tf.transpose(ids)
        if self.table is not None:
            x = Embedded(x, tf.convert_to_tensor(self.table))
        if self.entry is not None:
            x = project(x, self.entry, dtype)
        total = None
        if self.convolution is not None:
            own, before = before[: self.convolution.num_states], before[self.convolution.num_states :]
            x = lookup(x.table, x.ids, dtype) if isinstance(x, Embedded) else x
            total, new = self.convolution(tf.cast(x, "float32"), own)
            x, after = normalized(total, dtype), after + new
        for number, layer in enumerate(self.recurrent):
            own, before = before[: layer.num_states], before[layer.num_states :]
            by_cudnn = self.uses_cudnn and not in_xla
            x, new = cudnn.read(layer, x, own) if by_cudnn else layer(x, own, dtype=dtype)
            after += new
            pair = None if drop == 0 else tf.stack([tf.cast(seed, tf.int32), number])
            if total is not None:
                total, x = added(total, x, dtype, drop=drop, seed=pair)
            else:
                x = _dropped(x, *([] if pair is None else [pair]), drop=drop, dtype=dtype)
        return x, after

    def get_config(self) -> dict[str, Any]:
        """Return what builds the same network again, for Keras' own saving."""
        return {"options": self.options, "num_classes": self.num_classes}
