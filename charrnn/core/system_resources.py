"""Measure the memory and processors that this process may use, including the limits of a container."""

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
MEMINFO = Path("/proc/meminfo")
UNLIMITED = 2**60
"""Memory limits of this size or more mean "unlimited": control groups version 1 reports a large number."""


def memory_bytes() -> int:
    """Return the memory of this machine, or of this container if that is less, in bytes; 0 if unknown."""
    installed = _number(_value(MEMINFO, "MemTotal:")) * 1024
    if not installed and hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = [_number(_text(folder / name)) for folder in _folders("memory") for name in
              ("memory.max", "memory.limit_in_bytes")]  # fmt: skip
    return min((each for each in (installed, *limits) if 0 < each < UNLIMITED), default=0)


def num_processors() -> int:
    """Return the number of processors that this process may use, at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    for folder in _folders("cpu"):
        quota, _, period = _text(folder / "cpu.max").partition(" ")
        if _number(quota) and _number(period):
            count = min(count, math.ceil(_number(quota) / _number(period)))
    return max(1, count)


def _folders(controller: str) -> list[Path]:
    """Return the control groups (version 1 or 2) of this process, from its own up to the root."""
    found: list[Path] = []
    for line in _text(MEMBERSHIP).splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            root = CGROUPS
        elif controller in controllers.split(","):
            root = CGROUPS / controller
        else:
            continue
        own = root / path.strip("/")
        # Inside a container, the path may be that of the host, and the container's group is mounted as the root.
        found += [own, *(parent for parent in own.parents if parent.is_relative_to(root))]
    return found


def _value(path: Path, name: str) -> str:
    line = next((line for line in _text(path).splitlines() if line.startswith(name)), "")
    return line.removeprefix(name).split("kB")[0].strip()


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
