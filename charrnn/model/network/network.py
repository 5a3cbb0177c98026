"""Build the network from options: characters in, logits of the next character out.

B  sequences     T  characters in a sequence     V  classes: the vocabulary and one for unknown characters
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from charrnn.model.compute.precision import matmul_dtype
from charrnn.model.compute.xla_kernels import fused_kernel
from charrnn.model.network import cudnn
from charrnn.model.network.convolution import Convolution
from charrnn.model.network.dropout import dropout
from charrnn.model.network.initializers import Initializers
from charrnn.model.network.input_projection import Embedded, lookup, project
from charrnn.model.network.loss import cross_entropy
from charrnn.model.network.recurrent_layers import GRU, LSTM, RNN, MinGRU
from charrnn.model.network.residual import add_and_norm, rms_norm

CLASSIC_CELLS = {"lstm": LSTM, "gru": GRU, "rnn": RNN}

MAX_FLOAT32_CLASSES = 512
"""Up to this many classes, logits are always computed in float32, which costs little and avoids half of the loss of
precision in bfloat16."""

State = list[tf.Tensor]

LayerHook = Callable[[int, Any, Any, State, tf.Tensor, State], tuple[tf.Tensor, State]]
"""Called after a recurrent layer with its number from 0, the layer, its inputs, the state before, its output and the
state after; returns the output and the state to continue with."""


@fused_kernel
def _dropped_out(x: tf.Tensor, *seed: tf.Tensor, dropout_rate: float, dtype: str) -> tf.Tensor:
    """Apply dropout to a layer's output and cast it for the next product."""
    return tf.cast(dropout(x, dropout_rate, *seed) if dropout_rate > 0 else x, dtype)


@keras.saving.register_keras_serializable("charrnn")
class Network(keras.Model):
    """A character RNN.

    Args:
        options: Training options; only those of the group "Network" and `seed` are used.
        num_classes: V.
    """

    def __init__(self, options: Mapping[str, Any], num_classes: int):
        super().__init__(name="charrnn")
        self.options, self.num_classes = dict(options), num_classes
        self.dropout_rate = 1 - options["train_keep_prob"]
        self.matmul_dtype = matmul_dtype(options["precision"], options["lstm_size"])
        self.uses_cudnn = cudnn.uses_cudnn(options["cell"])
        initializers = Initializers(options["init"], options["seed"])
        units, depth, is_mingru = options["lstm_size"], options["num_layers"], options["cell"] == "mingru"
        # MinGRU layers add to their input, so characters must be embedded in vectors of its size; without an embedding,
        # one-hot vectors are projected to that size, which is a table as well.
        size = options["embedding_size"] if options["use_embedding"] else units if is_mingru else num_classes
        self.table = None
        if is_mingru or options["use_embedding"]:
            initializer = initializers.normal(0.02) if is_mingru else initializers.embedding()
            self.table = self.add_weight((num_classes, size), initializer, name="table")
        self.input_projection = None
        if is_mingru and size != units:
            self.input_projection = self.add_weight((size, units), initializers.normal(size**-0.5), name="entry")
        self.convolution = Convolution(units, initializers=initializers, name="convolution") if is_mingru else None
        self.recurrent: list[keras.layers.Layer] = []
        for number in range(1, depth + 1):
            name = f"layer_{number}"
            if is_mingru:
                layer = MinGRU(units, depth, initializers=initializers, name=name)
            else:
                cell = CLASSIC_CELLS[options["cell"]]
                inputs = size if number == 1 else units
                layer = cell(inputs, units, initializers=initializers, name=name)
            self.recurrent.append(layer)
        initializer = initializers.normal(0.02) if is_mingru else initializers.output()
        self.output_kernel = self.add_weight((units, num_classes), initializer, name="output_kernel")
        initializer = keras.initializers.Zeros() if is_mingru else initializers.output_bias()
        self.output_bias = self.add_weight((num_classes,), initializer, name="output_bias")
        self.built = True

    @property
    def hidden_matrices(self) -> list[keras.Variable]:
        """The matrices between hidden units: neither embeddings nor weights of one-hot vectors or logits."""
        matrices = [weight for layer in self.recurrent for weight in layer.weights if len(weight.shape) > 1]
        return matrices if self.table is not None else matrices[1:]

    def zero_state(self, batch: int) -> State:
        """Return the initial state: one tensor `(batch, units)` for each state of each layer."""
        layers = [self.convolution, *self.recurrent] if self.convolution else self.recurrent
        return [tf.zeros((batch, layer.units)) for layer in layers for _ in range(layer.num_states)]

    def call(
        self,
        ids: tf.Tensor,
        state: State | None = None,
        training: bool = False,
        seed: tf.Tensor | None = None,
        after_layer: LayerHook | None = None,
    ) -> tuple[tf.Tensor, State]:
        """Compute the logits of the next characters.

        Args:
            ids: Shape `(B, T)`, each in `0 … V-1`.
            state: Initial state, as from `zero_state`; zero if `None`.
            training: Apply dropout, and multiply in the data type that is fastest on this machine instead of float32.
            seed: Integer seed of the dropout mask; required in training unless the dropout rate is 0.
            after_layer: Changes what a layer computed.

        Returns:
            Logits, time-major, shape `(T, B, V)`, and the state after the last character.
        """
        before = self.zero_state(ids.shape[0]) if state is None else state
        dtype, rate = (self.matmul_dtype, self.dropout_rate) if training else ("float32", 0.0)
        x, after = self._run_layers(ids, before, dtype, dropout_rate=rate, seed=seed, after_layer=after_layer)
        return tf.cast(self._logits(x, dtype), "float32") + self.output_bias, after

    def losses(
        self,
        batch: tf.Tensor,
        state: State,
        dtype: str,
        *,
        dropout_rate: float = 0.0,
        seed: tf.Tensor | None = None,
        in_xla: bool = False,
    ) -> tuple[tf.Tensor, State]:
        """Compute the cross-entropy of the next characters.

        Args:
            batch: Shape `(B, T + 1)`: columns `0 … T-1` are the inputs, columns `1 … T` the targets.
            state: Initial state, as from `zero_state`.
            dtype: Data type of large products, `float32` or `bfloat16`.
            dropout_rate: Probability of dropping a unit.
            seed: Integer seed of the dropout mask; required if the dropout rate is not 0.
            in_xla: This call is compiled by XLA as a whole, where cuDNN cannot be used.

        Returns:
            Nats, time-major, shape `(T, B)`, and the state after the last input character.
        """
        x, after = self._run_layers(batch[:, :-1], state, dtype, dropout_rate=dropout_rate, seed=seed, in_xla=in_xla)
        targets = tf.transpose(batch[:, 1:])
        return cross_entropy(self._logits(x, dtype), tf.convert_to_tensor(self.output_bias), targets), after

    def _logits(self, x: tf.Tensor, dtype: str) -> tf.Tensor:
        """Return the logits without bias."""
        return project(x, self.output_kernel, "float32" if self.num_classes <= MAX_FLOAT32_CLASSES else dtype)

    def _run_layers(
        self,
        ids: tf.Tensor,
        state: State,
        dtype: str,
        *,
        dropout_rate: float,
        seed: tf.Tensor | None,
        in_xla: bool = True,
        after_layer: LayerHook | None = None,
    ) -> tuple[tf.Tensor, State]:
        """Return the output of the last layer, `(T, B, H)`, and the state after it."""
        before = list(state)
        after: State = []
        x = tf.transpose(ids)
        if self.table is not None:
            x = Embedded(x, tf.convert_to_tensor(self.table))
        if self.input_projection is not None:
            x = project(x, self.input_projection, dtype)
        stream = None
        if self.convolution is not None:
            own, before = before[: self.convolution.num_states], before[self.convolution.num_states :]
            x = lookup(x.table, x.ids, dtype) if isinstance(x, Embedded) else x
            stream, new = self.convolution(tf.cast(x, "float32"), own)
            x, after = rms_norm(stream, dtype), after + new
        for number, layer in enumerate(self.recurrent):
            own, before = before[: layer.num_states], before[layer.num_states :]
            by_cudnn = self.uses_cudnn and not in_xla
            inputs = x
            x, new = cudnn.run_layer(layer, x, own) if by_cudnn else layer(x, own, dtype=dtype)
            if after_layer is not None:
                x, new = after_layer(number, layer, inputs, own, x, new)
            after += new
            pair = None if dropout_rate == 0 else tf.stack([tf.cast(seed, tf.int32), number])
            if stream is not None:
                stream, x = add_and_norm(stream, x, dtype, dropout_rate=dropout_rate, seed=pair)
            else:
                seeds = [] if pair is None else [pair]
                x = _dropped_out(x, *seeds, dropout_rate=dropout_rate, dtype=dtype)
        return x, after

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the network, for Keras' own serialization."""
        return {"options": self.options, "num_classes": self.num_classes}
