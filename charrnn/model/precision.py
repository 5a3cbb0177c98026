"""In which number type large matrix products are worth doing on this machine."""

from functools import cache
from pathlib import Path

import tensorflow as tf

CPUINFO = Path("/proc/cpuinfo")
"""Where Linux tells what the processor can do; elsewhere nothing is assumed."""
SMALLEST = 128
"""Units from which products in bfloat16 gain more than turning numbers into it costs."""


def product_dtype(precision: str, units: int) -> str:
    """Return the type of products in training, `float32` or `bfloat16`.

    Args:
        precision: Value of the option; `auto` asks what is quicker here.
        units: Size of the network's layers.
    """
    if precision == "auto":
        return "bfloat16" if units >= SMALLEST and _has_matrix_unit() else "float32"
    return {"float32": "float32", "mixed_bfloat16": "bfloat16"}[precision]


@cache
def _has_matrix_unit() -> bool:
    """Whether the CPU multiplies matrices of bfloat16 by hardware (AMX), several times as fast as those of float32."""
    return not tf.config.list_physical_devices("GPU") and CPUINFO.exists() and " amx_bf16" in CPUINFO.read_text()
