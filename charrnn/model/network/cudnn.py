"""LSTM and GRU by Keras' own layers, which are cuDNN's kernels on a GPU.

A time loop of XLA starts some small kernels for each character there; cuDNN knows all of a window at once. It gives no
access from inside a program of XLA, so writing keeps its loops. The weights are the same: a checkpoint does not know
which way it was made.

T  time steps     B  sequences     D  size of the input     H  units
"""

from functools import cache
from typing import Any

import keras
import tensorflow as tf

from charrnn.model.compute.gpu import has_gpu
from charrnn.model.network.input_projection import Embedded, Inputs, lookup
from charrnn.model.network.recurrent_layers import GRU, LSTM, Recurrent, tensors

Read = tuple[tf.Tensor, list[tf.Tensor]]


def uses_cudnn(cell: str) -> bool:
    """Return whether networks of this cell learn and are validated by cuDNN on this machine."""
    return cell in ("lstm", "gru") and has_gpu()


def read(layer: LSTM | GRU, x: Inputs, state: list[tf.Tensor]) -> Read:
    """Do what the layer does when it is called, in float32 throughout; not from inside a program of XLA.

    Where cuDNN cannot be loaded after all, Keras takes a loop of TensorFlow.

    Args:
        layer: Its weights are used.
        x: Numbers `(T, B, D)` or characters, as `inputs` says.
        state: The layer's memory, each `(B, H)`.

    Returns:
        `h` after every step, shape `(T, B, H)`, and the memory after the last.
    """
    size = layer.kernel.shape[0]
    if isinstance(x, Embedded):
        x = lookup(x.table, x.ids, "float32")
    x = tf.one_hot(x, size) if x.dtype.is_integer else tf.cast(x, "float32")
    kind = keras.layers.LSTM if isinstance(layer, LSTM) else keras.layers.GRU
    keras_layer = _keras_layer(kind, size, layer.units)
    rest = keras_layer.non_trainable_variables  # a state of chance, of which nothing is used
    (hs, *after), _ = keras_layer.stateless_call(_weights(layer), rest, tf.transpose(x, (1, 0, 2)), initial_state=state)
    return tf.transpose(hs, (1, 0, 2)), after


def _weights(layer: Recurrent) -> list[tf.Tensor]:
    kernel, recurrent, *biases = tensors(*layer.weights)
    return [kernel, recurrent, tf.stack(biases) if layer.has_two_biases else biases[0]]


@cache
def _keras_layer(kind: Any, size: int, units: int) -> keras.layers.Layer:
    """Make one whose own weights are never used."""
    own = {"return_sequences": True, "return_state": True, "recurrent_initializer": "zeros"}
    with tf.init_scope():
        layer = kind(units, **own)
        layer.build((None, None, size))
    return layer
