"""Read an exported web page, and compute its network and its sampling in NumPy, with the same rounding as its scripts.

All operations are those of IEEE 754 in the same order, so results are equal bit by bit, on any CPU.
"""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page

from charrnn.model.network.network import Network

Floats = npt.NDArray[np.float32]
type Create = Callable[..., tuple[Network, Path]]
"""Fixture `page_of`: create a random network and its page."""
type Open = Callable[..., Page]
"""Fixture `open_file`: open a page offline."""
TAPS = 6


class ReferencePage:
    """The network of a web page.

    Args:
        html: The page.
    """

    def __init__(self, html: str):
        self.description: dict[str, Any] = json.loads(_element(html, "description"))
        self.network: dict[str, Any] = self.description["network"]
        self.characters: list[str] = self.description["characters"]
        self.weights = self._unpacked(base64.b64decode(_element(html, "weights")))
        self.reset()

    def _unpacked(self, data: bytes) -> dict[str, Floats]:
        """Return each array with one row per output, or per character if it is a table."""
        weights, at = {}, 0
        for array in self.description["arrays"]:
            shape = (array["rows"], array["columns"])
            scales, size, kind = np.float32(1), int(np.prod(shape)), "<f2"
            if array["format"] == "int8":
                scales, kind = np.frombuffer(data, "<f4", shape[0], at)[:, None], "i1"
                at += 4 * shape[0]
            numbers = np.frombuffer(data, kind, size, at).reshape(shape)
            weights[array["name"]] = scales * numbers.astype(np.float32)
            at += numbers.nbytes
        assert at == len(data)
        return weights

    def checkpoint_weights(self, shapes: dict[str, tuple[int, ...]]) -> dict[str, Floats]:
        """Return the weights in the shapes of a checkpoint, to load them into a network of TensorFlow."""
        return {
            name: (self.weights[name] if self._is_table(name) or len(shape) == 1 else self.weights[name].T).reshape(
                shape
            )
            for name, shape in shapes.items()
        }

    def _is_table(self, name: str) -> bool:
        one_hot = self.network["cell"] != "mingru" and not self.network["embeds"]
        return name in ("charrnn/table", "convolution/kernel") or (one_hot and name == "layer_1/kernel")

    def reset(self) -> None:
        """Empty the memory of the network."""
        zeros = np.zeros(self.network["units"], np.float32)
        self.window = [zeros] * TAPS
        self.h = [zeros] * self.network["layers"]
        self.c = [zeros] * self.network["layers"]

    def read(self, character: int) -> Floats:
        """Read a character, and return the logits of the next one."""
        x = self._residual(character) if self.network["cell"] == "mingru" else self._classic(character)
        return (self._product("charrnn/output_kernel", x).astype(float) + self._bias("charrnn/output_bias")).astype(
            "f4"
        )

    def write(self, prompt: str, length: int, *, seed: int, temperature: float) -> tuple[str, list[float]]:
        """Generate a text; return it, and the log-probability of each character."""
        self.reset()
        for character in prompt:
            logits = self.read(self.characters.index(character))
        text, values = "", []
        for position in range(length):
            logits = logits.astype(float)
            highest = logits.max()
            total = highest + log(_sum(exp(logits - highest)))
            logprobs = (logits[:-1] - total).astype("f4").astype(float)
            scores = logprobs
            if temperature > 0:
                noise = -log(-log(uniform(np.arange(len(logprobs)), seed, position)))
                scores = logprobs / np.float64(np.float32(temperature)) + noise
            best = int(scores.argmax())
            text += self.characters[best]
            values.append(float(logprobs[best]))
            logits = self.read(best)
        return text, values

    def _product(self, name: str, vector: Floats) -> Floats:
        """Multiply a matrix with a vector, with four sums per row."""
        matrix = self.weights[name]
        padding = -len(vector) % 4
        matrix, vector = np.pad(matrix, ((0, 0), (0, padding))), np.pad(vector, (0, padding))
        sums = np.zeros((len(matrix), 4), np.float32)
        for at in range(0, len(vector), 4):
            sums = sums + matrix[:, at : at + 4] * vector[at : at + 4]
        return (sums[:, 0] + sums[:, 1]) + (sums[:, 2] + sums[:, 3])

    def _bias(self, name: str) -> npt.NDArray[np.float64]:
        return self.weights[name][0].astype(float)

    def _classic(self, character: int) -> Floats:
        x = self.weights["charrnn/table"][character] if self.network["embeds"] else None
        for number in range(self.network["layers"]):
            layer = f"layer_{number + 1}"
            product = self.weights[f"{layer}/kernel"][character] if x is None else self._product(f"{layer}/kernel", x)
            recurrent = self._product(f"{layer}/recurrent_kernel", self.h[number]).astype(float)
            x = self._cell(number, product.astype(float), recurrent, self._bias(f"{layer}/bias")).astype("f4")
            self.h[number] = x
        assert x is not None
        return x

    def _cell(self, number: int, x: Any, u: Any, bias: Any) -> Any:
        h = self.h[number].astype(float)
        match self.network["cell"]:
            case "lstm":
                i, f, g, o = np.split(x + u + bias, 4)
                self.c[number] = (sigmoid(f) * self.c[number].astype(float) + sigmoid(i) * tanh(g)).astype("f4")
                return sigmoid(o) * tanh(self.c[number].astype(float))
            case "gru":
                x, u = x + bias, u + self._bias(f"layer_{number + 1}/recurrent_bias")
                (xz, xr, xh), (uz, ur, uh) = np.split(x, 3), np.split(u, 3)
                z, r = sigmoid(xz + uz), sigmoid(xr + ur)
                return z * h + (1 - z) * tanh(xh + r * uh)
            case _:
                return tanh(x + u + bias)

    def _residual(self, character: int) -> Floats:
        vector = self.weights["charrnn/table"][character]
        if self.network["projects"]:
            vector = self._product("charrnn/entry", vector)
        self.window = [vector, *self.window[:-1]]
        stream = np.zeros(len(vector))
        for taps, earlier in zip(self.weights["convolution/kernel"], self.window, strict=True):
            stream = stream + taps.astype(float) * earlier.astype(float)
        stream = stream.astype("f4")
        for number in range(self.network["layers"]):
            layer = f"layer_{number + 1}"
            z, candidate, out = np.split(self._product(f"{layer}/kernel", normalized(stream)).astype(float), 3)
            z = sigmoid(z + self._bias(f"{layer}/bias"))
            self.h[number] = ((1 - z) * self.h[number].astype(float) + z * candidate).astype("f4")
            y = (self.h[number].astype(float) * (out * sigmoid(out))).astype("f4")
            stream = stream + self._product(f"{layer}/output_kernel", y)
        return normalized(stream)


def _element(html: str, id: str) -> str:
    found = re.search(rf'id="{id}">(.*?)</script>', html, re.DOTALL)
    assert found, id
    return found[1]


def _sum(numbers: Any) -> Any:
    """Add numbers from first to last."""
    return np.cumsum(numbers)[-1]


def normalized(stream: Floats) -> Floats:
    """Divide by the root mean square."""
    squares = stream.astype(float) * stream.astype(float)
    return (stream.astype(float) * (1 / np.sqrt(_sum(squares) / len(stream) + 1e-6))).astype("f4")


def exp(x: Any) -> Any:
    """Return e^x."""
    x = np.clip(x, -700, 700)
    k = np.floor(x * 1.44269504088896338700 + 0.5)
    r = x - k * 6.93147180369123816490e-1 - k * 1.90821492927058770002e-10
    total = 1 / 39916800
    for divisor in (3628800, 362880, 40320, 5040, 720, 120, 24, 6, 2, 1, 1):
        total = total * r + 1 / divisor
    return np.ldexp(total, k.astype(int))


def log(x: Any) -> Any:
    """Return the natural logarithm."""
    m, k = np.frexp(x)
    m, k = 2 * m, k - 1
    large = m > np.sqrt(2)
    m, k = np.where(large, m / 2, m), np.where(large, k + 1, k)
    s = (m - 1) / (m + 1)
    total = 1 / 21
    for n in range(19, 0, -2):
        total = total * (s * s) + 1 / n
    return k * 6.93147180369123816490e-1 + (2 * s * total + k * 1.90821492927058770002e-10)


def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + e^-x)."""
    return 1 / (1 + exp(-x))


def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent."""
    return 1 - 2 / (exp(2 * x) + 1)


def uniform(counters: Any, seed: int, position: int) -> Any:
    """Return random numbers in (0, 1) from hashes."""

    def mixed(x: Any) -> Any:
        for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
            x = (x ^ x >> np.uint64(shift)) * np.uint64(factor) & np.uint64(0xFFFFFFFF)
        return x ^ x >> np.uint64(16)

    low = np.uint64(0xFFFFFFFF)
    key = mixed(mixed(np.uint64(seed)) + np.uint64(position) & low)
    bits = mixed(mixed(counters.astype(np.uint64) + key & low) ^ key)
    return ((bits >> np.uint64(9)).astype(float) + 0.5) / 8388608
