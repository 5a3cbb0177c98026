"""Features of this machine's CPU: its name, its cores, and whether it multiplies bfloat16 in hardware."""

import os
import platform
import re
import subprocess
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
"""Where Linux describes the CPU. Other systems have no such file, and no bfloat16 unit is assumed there."""
SMALLEST = 128
"""Units from which products in bfloat16 gain more than turning numbers into it costs."""
UNITS = ("amx_bf16", "avx512_bf16")
"""CPU flags of the instructions that multiply bfloat16 matrices, fastest first; both beat float32 by a factor of two
or more."""
ONEDNN_LIMIT = "ONEDNN_MAX_CPU_ISA"
"""Environment variable of oneDNN, TensorFlow's library for matrix products: the highest instruction set it may use."""

_WITHOUT_AVX512_BF16 = {"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI"}
_WITHOUT = {
    "avx512_bf16": _WITHOUT_AVX512_BF16,
    "amx_bf16": _WITHOUT_AVX512_BF16 | {"AVX512_CORE_BF16", "AVX512_CORE_FP16", "AVX10_1_512", "AVX10_2_512"},
}
"""Values of `ONEDNN_LIMIT` that rule out each unit."""
_INSTRUCTIONS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "sve": "SVE", "asimd": "NEON"}
"""Vector instructions by CPU flag, widest first."""
_UNIT_NAMES = {"amx_bf16": "AMX", "avx512_bf16": "bfloat16"}


def multiplies_in_bfloat16(precision: str, units: int) -> bool:
    """Return whether large matrix products are in bfloat16 when a CPU trains, else in float32.

    Args:
        precision: Value of the option; `auto` takes the faster type for this CPU.
        units: Size of the network's layers.
    """
    if precision == "auto":
        return units >= SMALLEST and bfloat16_unit() is not None
    return {"float32": False, "mixed_bfloat16": True}[precision]


def bfloat16_unit() -> str | None:
    """Return the fastest of `UNITS` that the CPU has and oneDNN may use, `None` if there is neither."""
    limit = os.environ.get(ONEDNN_LIMIT, "").upper()
    return next((unit for unit in UNITS if unit in _flags() and limit not in _WITHOUT[unit]), None)


def num_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_name() -> str:
    """Return a name for the CPU and everything about it that changes the last digits of a training's results.

    For example `AMD EPYC, 2 cores (AVX-512, bfloat16)`. Where the names are equal, a training gives equal numbers.
    """
    features = [next((name for flag, name in _INSTRUCTIONS.items() if flag in _flags()), None)]
    features.append(_UNIT_NAMES.get(bfloat16_unit() or ""))
    cores = num_cores()
    listed = ", ".join(filter(None, features))
    return f"{_product()}, {cores} core{'s' * (cores != 1)}" + (f" ({listed})" if listed else "")


def _product() -> str:
    """Return the manufacturer's name of the CPU, or its architecture where the system does not know the name."""
    name = re.search(r"^model name\s*:\s*(.+)$", _cpuinfo(CPUINFO), re.MULTILINE)
    if name:
        return " ".join(name[1].replace("(R)", "").replace("(TM)", "").split())[:100]
    if platform.system() == "Darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        if asked.stdout.strip():
            return asked.stdout.strip()[:100]
    return platform.processor()[:100] or platform.machine() or "unknown CPU"


def _flags() -> frozenset[str]:
    """Return the CPU's flags; Linux calls the line `Features` on ARM."""
    lines = re.findall(r"^(?:flags|Features)\s*:(.*)$", _cpuinfo(CPUINFO), re.MULTILINE)
    return frozenset(" ".join(lines[:1]).split())


@cache
def _cpuinfo(path: Path) -> str:
    return path.read_text("utf-8", errors="replace") if path.exists() else ""
