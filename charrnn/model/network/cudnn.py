"""Run LSTM and GRU with Keras' own layers, which use cuDNN on a GPU.

On a GPU, a compiled time loop launches several small kernels per character; cuDNN processes a whole window at once. It
cannot be called from inside a function compiled by XLA, so generation keeps its loops. The weights are the same, so
checkpoints do not depend on how they were trained.

T  time steps     B  sequences     D  input size     H  hidden units
"""

from functools import cache
from typing import Any

import keras
import tensorflow as tf

from charrnn.model.compute.gpu_detection import has_gpu
from charrnn.model.network.input_projection import Embedded, Inputs, lookup
from charrnn.model.network.recurrent_layers import GRU, LSTM, ClassicLayer, as_tensors

LayerOutput = tuple[tf.Tensor, list[tf.Tensor]]


def uses_cudnn(cell: str) -> bool:
    """Return whether networks of this cell are trained and validated with cuDNN on this machine."""
    return cell in ("lstm", "gru") and has_gpu()


def run_layer(layer: LSTM | GRU, x: Inputs, state: list[tf.Tensor]) -> LayerOutput:
    """Compute the same as `layer(x, state)`, in float32; not possible inside a function compiled by XLA.

    If cuDNN cannot be loaded, Keras falls back to a TensorFlow loop.

    Args:
        layer: The layer with the weights to use.
        x: Vectors `(T, B, D)` or characters, as in `charrnn.model.network.input_projection`.
        state: The layer's state, each tensor `(B, H)`.

    Returns:
        `h` after every step, shape `(T, B, H)`, and the state after the last step.
    """
    size = layer.kernel.shape[0]
    if isinstance(x, Embedded):
        x = lookup(x.table, x.ids, "float32")
    x = tf.one_hot(x, size) if x.dtype.is_integer else tf.cast(x, "float32")
    kind = keras.layers.LSTM if isinstance(layer, LSTM) else keras.layers.GRU
    keras_layer = _keras_layer(kind, size, layer.units)
    unused = keras_layer.non_trainable_variables  # the state of a seed generator
    (hs, *after), _ = keras_layer.stateless_call(
        _weights(layer), unused, tf.transpose(x, (1, 0, 2)), initial_state=state
    )
    return tf.transpose(hs, (1, 0, 2)), after


def _weights(layer: ClassicLayer) -> list[tf.Tensor]:
    kernel, recurrent, *biases = as_tensors(*layer.weights)
    return [kernel, recurrent, tf.stack(biases) if layer.has_two_biases else biases[0]]


@cache
def _keras_layer(kind: Any, size: int, units: int) -> keras.layers.Layer:
    """Create a layer whose own weights are never used."""
    own = {"return_sequences": True, "return_state": True, "recurrent_initializer": "zeros"}
    with tf.init_scope():
        layer = kind(units, **own)
        layer.build((None, None, size))
    return layer
