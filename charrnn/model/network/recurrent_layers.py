"""Recurrent layers that take `(x, state, dtype)` and return `(y, state)`; the state is always explicit.

    T  time steps     B  sequences     D  input size     H  hidden units

Inputs are time-major: vectors `(T, B, D)`, or characters `(T, B)` as in `charrnn.model.network.input_projection`.
Weights have the names, shapes and gate order of Keras' own layers, so that they can be exchanged. Matrix products are
computed in `dtype`, `float32` or `bfloat16`, everything else in float32.
"""

import math

import keras
import numpy as np
import tensorflow as tf

from charrnn.model.network import recurrence
from charrnn.model.network.initializers import Initializers
from charrnn.model.network.input_projection import Inputs, project


def as_tensors(*variables: keras.Variable) -> list[tf.Tensor]:
    """Convert weights to tensors, for functions of tensors only."""
    return [tf.convert_to_tensor(variable) for variable in variables]


class ClassicLayer(keras.layers.Layer):
    """Base class of the three classic cells, with their weights.

    Args:
        inputs: D, or the number of classes if the inputs are one-hot vectors.
        units: H.
        initializers: Creates the initializers of the weights.
    """

    gates: int
    """Number of gates, each a block of H columns in the weight matrices."""
    forget_gate: int | None = None
    """Index of the forget gate, whose bias starts at 1."""
    has_two_biases = False
    """Whether input and state have separate biases; otherwise one bias holds their sum."""
    num_states = 1

    def __init__(self, inputs: int, units: int, *, initializers: Initializers, name: str):
        super().__init__(name=name)
        self.units = units
        columns = self.gates * units
        forget = None
        if self.forget_gate is not None:
            forget = slice(self.forget_gate * units, (self.forget_gate + 1) * units)
        gates = self.gates
        self.kernel = self.add_weight((inputs, columns), initializers.input(inputs, units, gates), name="kernel")
        self.recurrent_kernel = self.add_weight(
            (units, columns), initializers.recurrent(inputs, units, gates), name="recurrent_kernel"
        )
        bias = initializers.bias(forget=forget, is_half=self.has_two_biases)
        self.bias = self.add_weight((columns,), bias, name="bias")
        self.built = True


class RNN(ClassicLayer):
    """Simple RNN (Elman 1990)."""

    gates = 1

    def call(self, x: Inputs, state: list[tf.Tensor], dtype: str = "float32") -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Process `(T, B, D)` or ids `(T, B)`; return `(T, B, H)` and the state after the last step."""
        xz = project(x, self.kernel, dtype)
        bias, recurrent = as_tensors(self.bias, self.recurrent_kernel)
        hs, h = recurrence.rnn(xz, bias, recurrent, state[0])
        return hs, [h]


class LSTM(ClassicLayer):
    """Long short-term memory, with the weights of `keras.layers.LSTM`."""

    gates = 4
    forget_gate = 1
    num_states = 2

    def call(self, x: Inputs, state: list[tf.Tensor], dtype: str = "float32") -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Process `(T, B, D)` or ids `(T, B)`; return `(T, B, H)` and `[h, c]` after the last step."""
        xz = project(x, self.kernel, dtype)
        bias, recurrent = as_tensors(self.bias, self.recurrent_kernel)
        hs, h, c = recurrence.lstm(xz, bias, recurrent, state[0], state[1])
        return hs, [h, c]


class GRU(ClassicLayer):
    """Gated recurrent unit, with the weights of `keras.layers.GRU` (`reset_after=True`); its bias has two parts."""

    gates = 3
    has_two_biases = True

    def __init__(self, inputs: int, units: int, *, initializers: Initializers, name: str):
        super().__init__(inputs, units, initializers=initializers, name=name)
        self.recurrent_bias = self.add_weight((3 * units,), initializers.bias(is_half=True), name="recurrent_bias")

    def call(self, x: Inputs, state: list[tf.Tensor], dtype: str = "float32") -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Process `(T, B, D)` or ids `(T, B)`; return `(T, B, H)` and the state after the last step."""
        xz = project(x, self.kernel, dtype)
        bias, recurrent, recurrent_bias = as_tensors(self.bias, self.recurrent_kernel, self.recurrent_bias)
        hs, h = recurrence.gru(xz, bias, recurrent, recurrent_bias, state[0])
        return hs, [h]


class MinGRU(keras.layers.Layer):
    """Gated linear recurrence without matrix products in the time loop.

    Follows minGRU (Feng et al. 2024, "Were RNNs all we needed?"), with an output gate:

        z, c, o  = x · W
        h_t      = (1 - σ(z_t + b)) · h_{t-1} + σ(z_t + b) · c_t
        y        = (h ⊙ silu(o)) · W_out

    The network adds y to the residual stream and passes its norm to the next layer. The gate's bias is initialized
    evenly from -3 to 1, so that units initially remember two to about twenty characters.

    Args:
        units: H, also the size of input and output.
        depth: Number of such layers in the network; in deeper networks, each initially adds less.
        initializers: Creates the initializers of the weights.
    """

    num_states = 1

    def __init__(self, units: int, depth: int, *, initializers: Initializers, name: str):
        super().__init__(name=name)
        self.units = units
        spread = keras.initializers.Constant(np.linspace(-3, 1, units).astype("float32"))
        inner, output = initializers.normal(1 / math.sqrt(units)), initializers.normal(1 / math.sqrt(2 * depth * units))
        self.kernel = self.add_weight((units, 3 * units), inner, name="kernel")
        self.bias = self.add_weight((units,), spread, name="bias")
        self.output_kernel = self.add_weight((units, units), output, name="output_kernel")
        self.built = True

    def call(self, x: tf.Tensor, state: list[tf.Tensor], dtype: str = "float32") -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Process `(T, B, H)`; return the same shape and the state after the last step."""
        hs, h = recurrence.mingru(project(x, self.kernel, dtype), tf.convert_to_tensor(self.bias), state[0])
        return project(hs, self.output_kernel, dtype), [h]
