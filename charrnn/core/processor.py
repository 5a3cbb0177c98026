"""What this machine's processor can do, as far as the system tells."""

from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
"""Where Linux tells it; elsewhere nothing is assumed."""
SMALLEST = 128
"""Units from which products in bfloat16 gain more than turning numbers into it costs."""


def multiplies_in_bfloat16(precision: str, units: int) -> bool:
    """Tell whether large matrix products are in bfloat16 when a CPU trains, else in float32.

    Args:
        precision: Value of the option; `auto` asks what is quicker here.
        units: Size of the network's layers.
    """
    if precision == "auto":
        return units >= SMALLEST and has_matrix_unit()
    return {"float32": False, "mixed_bfloat16": True}[precision]


@cache
def has_matrix_unit() -> bool:
    """Tell whether the CPU multiplies matrices of bfloat16 by hardware (AMX), several times as fast as of float32."""
    return CPUINFO.exists() and " amx_bf16" in CPUINFO.read_text()
