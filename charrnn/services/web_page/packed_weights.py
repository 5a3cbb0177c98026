"""Pack the weights of a network for a web page, as int8 or float16.

Matrices are stored by rows of the product: one row per output, or one row per character for tables that are looked up.
In int8, each row has a scale of its own, and a weight is scale · integer, rounded to float32. Vectors are always
float16.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from charrnn.core.errors import CheckpointError

Format = Literal["int8", "float16"]
FORMATS: tuple[Format, ...] = get_args(Format)
LARGEST_FLOAT16 = 65504.0

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class PackedWeights:
    """The weights of a network as bytes."""

    arrays: tuple[Mapping[str, Any], ...]
    """Name, rows, columns and format of each array, in the order of `data`."""
    data: bytes


def pack(weights: Mapping[str, npt.NDArray[Any]], options: Mapping[str, Any], format: Format) -> PackedWeights:
    """Pack the weights of a network.

    Args:
        weights: Arrays by name, as checkpoints store them.
        options: Training options, which determine the network.
        format: Format of matrices; `int8` takes half the space of `float16`.

    Raises:
        CheckpointError: A weight is infinite or not a number.
    """
    arrays, parts = [], []
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise CheckpointError(f"The weights {name!r} contain numbers that are not finite. Train the model again.")
        rows = _rows(name, np.asarray(array, np.float32), options)
        own: Format = format if array.ndim > 1 and not name.startswith("convolution/") else "float16"
        arrays.append({"name": name, "rows": rows.shape[0], "columns": rows.shape[1], "format": own})
        parts.append(_int8(rows) if own == "int8" else _float16(rows))
    return PackedWeights(tuple(arrays), b"".join(parts))


def _rows(name: str, array: Floats, options: Mapping[str, Any]) -> Floats:
    """Return an array with one row per output of the product, or per character if it is a table."""
    if array.ndim == 1:
        return array[None]
    one_hot = options["cell"] != "mingru" and not options["use_embedding"] and name == "layer_1/kernel"
    is_table = one_hot or name in ("charrnn/table", "convolution/kernel")
    return array if is_table else array.T


def _int8(rows: Floats) -> bytes:
    scales = (np.abs(rows).max(1) / 127).astype("<f4")
    integers = np.rint(rows / np.where(scales > 0, scales, 1)[:, None])
    return scales.tobytes() + np.clip(integers, -127, 127).astype(np.int8).tobytes()


def _float16(rows: Floats) -> bytes:
    return np.clip(rows, -LARGEST_FLOAT16, LARGEST_FLOAT16).astype("<f2").tobytes()
