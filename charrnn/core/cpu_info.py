"""Detect the CPU's name, its cores, and whether it multiplies bfloat16 in hardware."""

import os
import platform
import re
import subprocess
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
"""File in which Linux describes the CPU. On systems without it, bfloat16 is assumed to be unsupported."""
MIN_BFLOAT16_UNITS = 128
"""Smallest layer for which bfloat16 products save more time than the conversion costs."""
BFLOAT16_FLAGS = ("amx_bf16", "avx512_bf16")
"""CPU flags of the instructions that multiply bfloat16 matrices, fastest first; both are at least twice as fast as
float32."""
ONEDNN_LIMIT = "ONEDNN_MAX_CPU_ISA"
"""Environment variable that limits the instruction sets used by oneDNN, TensorFlow's library for matrix products."""

_WITHOUT_AVX512_BF16 = {"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI"}
_WITHOUT = {
    "avx512_bf16": _WITHOUT_AVX512_BF16,
    "amx_bf16": _WITHOUT_AVX512_BF16 | {"AVX512_CORE_BF16", "AVX512_CORE_FP16", "AVX10_1_512", "AVX10_2_512"},
}
"""Values of `ONEDNN_LIMIT` that disable each instruction."""
_INSTRUCTIONS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "sve": "SVE", "asimd": "NEON"}
"""Vector instructions by CPU flag, widest first."""
_SHORT_NAMES = {"amx_bf16": "AMX", "avx512_bf16": "bfloat16"}


def uses_bfloat16(precision: str, units: int) -> bool:
    """Return whether training on a CPU computes large matrix products in bfloat16 rather than float32.

    Args:
        precision: Value of the option; `auto` chooses the faster type for this CPU.
        units: Hidden units in each layer.
    """
    if precision == "auto":
        return units >= MIN_BFLOAT16_UNITS and bfloat16_flag() is not None
    return {"float32": False, "mixed_bfloat16": True}[precision]


def bfloat16_flag() -> str | None:
    """Return the fastest of `BFLOAT16_FLAGS` that the CPU has and oneDNN may use, or `None`."""
    limit = os.environ.get(ONEDNN_LIMIT, "").upper()
    return next((flag for flag in BFLOAT16_FLAGS if flag in _flags() and limit not in _WITHOUT[flag]), None)


def num_cores() -> int:
    """Return the number of cores that this process may use, without regard to container quotas."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_name() -> str:
    """Return the CPU's model, cores and instruction sets, which determine how results are rounded.

    For example, `AMD EPYC, 2 cores (AVX-512, bfloat16)`. Trainings on CPUs with equal names give identical results.
    """
    features = [next((name for flag, name in _INSTRUCTIONS.items() if flag in _flags()), None)]
    features.append(_SHORT_NAMES.get(bfloat16_flag() or ""))
    cores = num_cores()
    listed = ", ".join(filter(None, features))
    return f"{_product()}, {cores} core{'s' * (cores != 1)}" + (f" ({listed})" if listed else "")


def _product() -> str:
    """Return the model name of the CPU, or its architecture if the system does not report the name."""
    name = re.search(r"^model name\s*:\s*(.+)$", _cpuinfo(CPUINFO), re.MULTILINE)
    if name:
        return " ".join(name[1].replace("(R)", "").replace("(TM)", "").split())[:100]
    if platform.system() == "Darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.stdout.strip():
            return result.stdout.strip()[:100]
    return platform.processor()[:100] or platform.machine() or "unknown CPU"


def _flags() -> frozenset[str]:
    """Return the CPU's flags; on ARM, Linux calls the line `Features`."""
    lines = re.findall(r"^(?:flags|Features)\s*:(.*)$", _cpuinfo(CPUINFO), re.MULTILINE)
    return frozenset(" ".join(lines[:1]).split())


@cache
def _cpuinfo(path: Path) -> str:
    return path.read_text("utf-8", errors="replace") if path.exists() else ""
