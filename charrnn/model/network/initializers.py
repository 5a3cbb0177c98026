"""How weights start, for each value of the option `init`. One object makes all of a network's initialisers, so that
each gets its own seed and the same seed gives the same network."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import initializers

Initializer = Callable[..., Any]


class StartValues:
    """Initialisers for one network.

    Args:
        init: `article` (TensorFlow 1: one Glorot range over a cell's joint input and recurrent matrix, output weights
            truncated normal of 0.1), `karpathy` (char-rnn: all within ±0.08), or `keras` (Glorot, orthogonal).
        seed: Seed of the network.
    """

    def __init__(self, init: str, seed: int):
        self._init = init
        self._seeds = np.random.default_rng([seed, 0])

    def input(self, inputs: int, units: int, gates: int) -> Initializer:
        """Weights from the input to all gates, shape `(inputs, gates · units)`."""
        match self._init:
            case "article":
                return self._joint_glorot(inputs, units, gates)
            case "karpathy":
                return self._small()
        return initializers.GlorotUniform(self._seed())

    def recurrent(self, inputs: int, units: int, gates: int) -> Initializer:
        """Weights from the memory to all gates, shape `(units, gates · units)`."""
        match self._init:
            case "article":
                return self._joint_glorot(inputs, units, gates)
            case "karpathy":
                return self._small()
        return initializers.Orthogonal(seed=self._seed())

    def bias(self, *, forget: slice | None = None, is_half: bool = False) -> Initializer:
        """Biases, zero or small; the forget gate's start at 1, so that memory lasts from the first step.

        Args:
            forget: Where the forget gate's are.
            is_half: The cell keeps the biases of input and memory apart, and these are one of the two.
        """
        draw = np.random.default_rng(self._seed())

        def start(shape: tuple[int, ...], dtype: str | None = None) -> Any:
            values = np.zeros(shape)
            if self._init == "karpathy":  # char-rnn adds two biases, each within ±0.08, and sets one forget bias to 1
                values = draw.uniform(-0.08, 0.08, shape)
                values += 0 if is_half else draw.uniform(-0.08, 0.08, shape)
            if forget is not None:
                values[forget] = 1 + (draw.uniform(-0.08, 0.08, shape)[forget] if self._init == "karpathy" else 0)
            return values.astype(dtype or "float32")

        return start

    def table(self) -> Initializer:
        """Embedding, shape `(classes, size)`."""
        match self._init:
            case "article":
                return initializers.GlorotUniform(self._seed())
            case "karpathy":
                return self._small()
        return initializers.RandomUniform(-0.05, 0.05, seed=self._seed())

    def output(self) -> Initializer:
        """Weights from the last layer to the classes."""
        match self._init:
            case "article":
                return initializers.TruncatedNormal(stddev=0.1, seed=self._seed())
            case "karpathy":
                return self._small()
        return initializers.GlorotUniform(self._seed())

    def output_bias(self) -> Initializer:
        """Biases of the classes."""
        return self._small() if self._init == "karpathy" else initializers.Zeros()

    def normal(self, stddev: float) -> Initializer:
        """Normal values, for the mingru cell, whatever `init` says."""
        return initializers.RandomNormal(stddev=stddev, seed=self._seed())

    def newest_first(self, stddev: float) -> Initializer:
        """Weights of a causal convolution, shape `(characters, units)`: 1 for the newest, small for earlier ones."""
        draw = np.random.default_rng(self._seed())

        def start(shape: tuple[int, ...], dtype: str | None = None) -> Any:
            values = draw.normal(0, stddev, shape)
            values[0] = 1
            return values.astype(dtype or "float32")

        return start

    def _joint_glorot(self, inputs: int, units: int, gates: int) -> Initializer:
        limit = math.sqrt(6 / (inputs + units + gates * units))
        return initializers.RandomUniform(-limit, limit, seed=self._seed())

    def _small(self) -> Initializer:
        return initializers.RandomUniform(-0.08, 0.08, seed=self._seed())

    def _seed(self) -> int:
        return int(self._seeds.integers(2**31 - 1))
