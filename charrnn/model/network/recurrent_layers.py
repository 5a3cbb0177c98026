"""The recurrent layers. Each takes `(x, state, dtype)` and gives `(y, state)`; memory is an argument, never hidden.

    T  time steps     B  sequences     D  size of the input     H  units

Inputs are time-major: numbers `(T, B, D)`, or characters `(T, B)` as `model/inputs.py` says. Weights have the names,
shapes and gate order of Keras' own layers, so that they can be exchanged. Matrix products are in `dtype`, `float32` or
`bfloat16`, all else in float32.
"""

import math

import keras
import numpy as np
import tensorflow as tf

from charrnn.model.network import recurrence
from charrnn.model.network.initializers import StartValues
from charrnn.model.network.input_projection import Inputs, project


def tensors(*variables: keras.Variable) -> list[tf.Tensor]:
    """Read weights, for functions that know tensors only."""
    return [tf.convert_to_tensor(variable) for variable in variables]


class Recurrent(keras.layers.Layer):
    """What the three classic cells share: their weights.

    Args:
        inputs: D, or the number of classes where characters enter as one-hot vectors.
        units: H.
        start: Makes the start values.
    """

    gates: int
    """Blocks of H columns in the weight matrices."""
    forget_gate: int | None = None
    """Which block is the forget gate, whose bias starts at 1."""
    has_two_biases = False
    """Whether the biases of input and memory are kept apart; else one holds their sum."""
    num_states = 1

    def __init__(self, inputs: int, units: int, *, start: StartValues, name: str):
        super().__init__(name=name)
        self.units = units
        columns = self.gates * units
        forget = None
        if self.forget_gate is not None:
            forget = slice(self.forget_gate * units, (self.forget_gate + 1) * units)
        self.kernel = self.add_weight((inputs, columns), start.input(inputs, units, self.gates), name="kernel")
        self.recurrent_kernel = self.add_weight(
            (units, columns), start.recurrent(inputs, units, self.gates), name="recurrent_kernel"
        )
        self.bias = self.add_weight((columns,), start.bias(forget=forget, is_half=self.has_two_biases), name="bias")
        self.built = True


class RNN(Recurrent):
    """The plain cell (Elman 1990)."""

    gates = 1

    def call(self, x: Inputs, state: list[tf.Tensor], dtype: str = "float32") -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Read `(T, B, D)` or ids `(T, B)`; give `(T, B, H)` and the memory after the last step."""
        xz = project(x, self.kernel, dtype)
        bias, recurrent = tensors(self.bias, self.recurrent_kernel)
        hs, h = recurrence.rnn(xz, bias, recurrent, state[0])
        return hs, [h]


class LSTM(Recurrent):
    """Long short-term memory; weights are those of `keras.layers.LSTM`."""

    gates = 4
    forget_gate = 1
    num_states = 2

    def call(self, x: Inputs, state: list[tf.Tensor], dtype: str = "float32") -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Read `(T, B, D)` or ids `(T, B)`; give `(T, B, H)` and `[h, c]` after the last step."""
        xz = project(x, self.kernel, dtype)
        bias, recurrent = tensors(self.bias, self.recurrent_kernel)
        hs, h, c = recurrence.lstm(xz, bias, recurrent, state[0], state[1])
        return hs, [h, c]


class GRU(Recurrent):
    """Gated recurrent unit; weights are those of `keras.layers.GRU` with `reset_after=True`, its bias in two parts."""

    gates = 3
    has_two_biases = True

    def __init__(self, inputs: int, units: int, *, start: StartValues, name: str):
        super().__init__(inputs, units, start=start, name=name)
        self.recurrent_bias = self.add_weight((3 * units,), start.bias(is_half=True), name="recurrent_bias")

    def call(self, x: Inputs, state: list[tf.Tensor], dtype: str = "float32") -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Read `(T, B, D)` or ids `(T, B)`; give `(T, B, H)` and the memory after the last step."""
        xz = project(x, self.kernel, dtype)
        bias, recurrent, recurrent_bias = tensors(self.bias, self.recurrent_kernel, self.recurrent_bias)
        hs, h = recurrence.gru(xz, bias, recurrent, recurrent_bias, state[0])
        return hs, [h]


class MinGRU(keras.layers.Layer):
    """The fast cell: a gated linear recurrence whose matrix products all leave the time loop.

    After minGRU (Feng et al. 2024, "Were RNNs all we needed?"), with an output gate:

        z, c, o  = x · W
        h_t      = (1 - σ(z_t + b)) · h_{t-1} + σ(z_t + b) · c_t
        y        = (h ⊙ silu(o)) · W_out

    The network adds y to what came in, and gives the norm of that sum to the next layer. The gate's bias is spread
    from -3 to 1, so that units remember from two to some twenty characters at first.

    Args:
        units: H, also the size of the input and of the output.
        depth: Number of such layers in the network; in deeper ones each adds less at first.
        start: Makes the start values.
    """

    num_states = 1

    def __init__(self, units: int, depth: int, *, start: StartValues, name: str):
        super().__init__(name=name)
        self.units = units
        spread = keras.initializers.Constant(np.linspace(-3, 1, units).astype("float32"))
        self.kernel = self.add_weight((units, 3 * units), start.normal(1 / math.sqrt(units)), name="kernel")
        self.bias = self.add_weight((units,), spread, name="bias")
        self.output_kernel = self.add_weight(
            (units, units), start.normal(1 / math.sqrt(2 * depth * units)), name="output_kernel"
        )
        self.built = True

    def call(self, x: tf.Tensor, state: list[tf.Tensor], dtype: str = "float32") -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Read `(T, B, H)`; give the same shape and the memory after the last step."""
        hs, h = recurrence.mingru(project(x, self.kernel, dtype), tf.convert_to_tensor(self.bias), state[0])
        return project(hs, self.output_kernel, dtype), [h]
