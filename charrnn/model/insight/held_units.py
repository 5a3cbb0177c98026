"""Hold hidden units at a value while a network reads, to measure whether it uses them.

    B  sequences     H  hidden units

A held unit has its value in everything that depends on it: the output of its layer at the same step, and the next step.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from charrnn.model.network.input_projection import Inputs, project
from charrnn.model.network.network import State
from charrnn.model.network.recurrent_layers import LSTM, MinGRU


class HeldUnits(NamedTuple):
    """One unit to hold in each sequence."""

    index: tf.Tensor
    """Index of the unit in the network, shape `(B,)`; -1 to hold none."""
    value: tf.Tensor
    """Shape `(B,)`."""

    def after_layer(
        self, number: int, layer: Any, inputs: Inputs, before: State, output: tf.Tensor, after: State
    ) -> tuple[tf.Tensor, State]:
        """Return the output of a layer, `(1, B, H)`, and its state with the units of this layer held.

        Called by the network after each layer, for one step.
        """
        per_layer = layer.units * layer.num_states
        # An index outside of the layer, such as -1, has no entry in its one-hot vector.
        is_held = tf.one_hot(self.index - number * per_layer, per_layer, on_value=True, off_value=False, dtype=tf.bool)
        value = self.value[:, None]
        hidden = after[0]
        if isinstance(layer, LSTM):
            cell = tf.where(is_held[:, layer.units :], value, after[1])
            recomputed = _output_gate(layer, inputs, before[0]) * tf.tanh(cell)
            hidden = tf.where(is_held[:, layer.units :], recomputed, hidden)
            hidden = tf.where(is_held[:, : layer.units], value, hidden)
            return hidden[None], [hidden, cell]
        held = tf.where(is_held, value, hidden)
        if isinstance(layer, MinGRU):
            gate = tf.nn.silu(project(inputs, layer.kernel[:, 2 * layer.units :], "float32"))
            change = project((held - hidden) * gate, layer.output_kernel, "float32")
            return output + change, [held]
        return held[None], [held]


def _output_gate(layer: LSTM, inputs: Inputs, hidden: tf.Tensor) -> tf.Tensor:
    """Return the output gate of one step, shape `(B, H)`."""
    columns = slice(3 * layer.units, None)
    by_input = project(inputs, tf.convert_to_tensor(layer.kernel)[:, columns], "float32")[0]
    by_state = hidden @ tf.convert_to_tensor(layer.recurrent_kernel)[:, columns]
    return tf.sigmoid(by_input + by_state + tf.convert_to_tensor(layer.bias)[columns])
