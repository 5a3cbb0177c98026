"""Create the initializers of a network's weights for each value of the option `init`.

One object creates all initializers of a network, so that each has its own seed and equal seeds give equal networks.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import initializers

Initializer = Callable[..., Any]


class Initializers:
    """The initializers of one network.

    Args:
        init: `article` (TensorFlow 1: one Glorot range over a cell's joint input and recurrent matrix, output weights
            truncated normal of 0.1), `karpathy` (char-rnn: all within ±0.08), or `keras` (Glorot, orthogonal).
        seed: Seed of the network.
    """

    def __init__(self, init: str, seed: int):
        self._init = init
        self._seeds = np.random.default_rng([seed, 0])

    def input(self, inputs: int, units: int, gates: int) -> Initializer:
        """Return the initializer of the input weights of all gates, shape `(inputs, gates · units)`."""
        match self._init:
            case "article":
                return self._joint_glorot(inputs, units, gates)
            case "karpathy":
                return self._small()
        return initializers.GlorotUniform(self._seed())

    def recurrent(self, inputs: int, units: int, gates: int) -> Initializer:
        """Return the initializer of the recurrent weights of all gates, shape `(units, gates · units)`."""
        match self._init:
            case "article":
                return self._joint_glorot(inputs, units, gates)
            case "karpathy":
                return self._small()
        return initializers.Orthogonal(seed=self._seed())

    def bias(self, *, forget: slice | None = None, is_half: bool = False) -> Initializer:
        """Return the initializer of biases, zero or small; the forget gate's start at 1, so that it is open at first.

        Args:
            forget: The slice with the forget gate's biases.
            is_half: The cell has separate biases for input and state, and these are one of the two.
        """
        draw = np.random.default_rng(self._seed())

        def initialize(shape: tuple[int, ...], dtype: str | None = None) -> Any:
            values = np.zeros(shape)
            if self._init == "karpathy":  # char-rnn adds two biases, each within ±0.08, and sets one forget bias to 1
                values = draw.uniform(-0.08, 0.08, shape)
                values += 0 if is_half else draw.uniform(-0.08, 0.08, shape)
            if forget is not None:
                values[forget] = 1 + (draw.uniform(-0.08, 0.08, shape)[forget] if self._init == "karpathy" else 0)
            return values.astype(dtype or "float32")

        return initialize

    def embedding(self) -> Initializer:
        """Return the initializer of an embedding, shape `(classes, size)`."""
        match self._init:
            case "article":
                return initializers.GlorotUniform(self._seed())
            case "karpathy":
                return self._small()
        return initializers.RandomUniform(-0.05, 0.05, seed=self._seed())

    def output(self) -> Initializer:
        """Return the initializer of the output weights, shape `(units, classes)`."""
        match self._init:
            case "article":
                return initializers.TruncatedNormal(stddev=0.1, seed=self._seed())
            case "karpathy":
                return self._small()
        return initializers.GlorotUniform(self._seed())

    def output_bias(self) -> Initializer:
        """Return the initializer of the output biases, shape `(classes,)`."""
        return self._small() if self._init == "karpathy" else initializers.Zeros()

    def normal(self, stddev: float) -> Initializer:
        """Return a normal initializer, for the mingru cell, which ignores `init`."""
        return initializers.RandomNormal(stddev=stddev, seed=self._seed())

    def convolution(self, stddev: float) -> Initializer:
        """Return the initializer of a causal convolution, shape `(K, units)`: 1 for the newest, normal for others."""
        draw = np.random.default_rng(self._seed())

        def initialize(shape: tuple[int, ...], dtype: str | None = None) -> Any:
            values = draw.normal(0, stddev, shape)
            values[0] = 1
            return values.astype(dtype or "float32")

        return initialize

    def _joint_glorot(self, inputs: int, units: int, gates: int) -> Initializer:
        limit = math.sqrt(6 / (inputs + units + gates * units))
        return initializers.RandomUniform(-limit, limit, seed=self._seed())

    def _small(self) -> Initializer:
        return initializers.RandomUniform(-0.08, 0.08, seed=self._seed())

    def _seed(self) -> int:
        return int(self._seeds.integers(2**31 - 1))
