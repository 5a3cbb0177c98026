"""What this machine's processor can do, as far as the system tells."""

from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
"""Where Linux tells it; elsewhere nothing is assumed."""
SMALLEST = 128
"""Units from which products in bfloat16 gain more than turning numbers into it costs."""
UNITS = ("amx_bf16", "avx512_bf16")
"""What multiplies matrices of bfloat16 by hardware, as Linux calls it: several times, and twice as fast as float32."""


def multiplies_in_bfloat16(precision: str, units: int) -> bool:
    """Tell whether large matrix products are in bfloat16 when a CPU trains, else in float32.

    Args:
        precision: Value of the option; `auto` asks what is quicker here.
        units: Size of the network's layers.
    """
    if precision == "auto":
        return units >= SMALLEST and bfloat16_unit() is not None
    return {"float32": False, "mixed_bfloat16": True}[precision]


@cache
def bfloat16_unit() -> str | None:
    """Return the fastest of `UNITS` that the CPU has, `None` if it has neither."""
    flags = set(CPUINFO.read_text().split()) if CPUINFO.exists() else set()
    return next((unit for unit in UNITS if unit in flags), None)
