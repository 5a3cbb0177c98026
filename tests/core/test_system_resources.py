"""Tests of the memory and processors of a machine or container."""

from pathlib import Path

import pytest

from charrnn.core import system_resources
from charrnn.core.system_resources import memory_bytes, num_processors

GROUPS = {
    "version 2": ("0::/docker/abc", "memory.max", "cpu.max"),
    "inside a container": ("0::/", "memory.max", "cpu.max"),
    "version 1": ("9:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc", "memory/memory.limit_in_bytes", "cpu/cpu.max"),
}


@pytest.fixture(params=GROUPS)
def container(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Simulate a machine with 8 GB; return the files that limit a container's memory and processors."""
    membership, memory, cpu = GROUPS[request.param]
    (tmp_path / "meminfo").write_text("MemTotal:        8000000 kB\nMemFree:         7 kB\n")
    (tmp_path / "cgroup").write_text(membership + "\n")
    monkeypatch.setattr(system_resources, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(system_resources, "MEMBERSHIP", tmp_path / "cgroup")
    monkeypatch.setattr(system_resources, "CGROUPS", tmp_path)
    for name in (memory, cpu):
        (tmp_path / name).parent.mkdir(exist_ok=True)
    return tmp_path / memory, tmp_path / cpu


def test_memory_respects_the_limit_of_a_container(container: tuple[Path, Path]) -> None:
    for text, expected in (("512000000", 512_000_000), ("max", 8_192_000_000), ("9223372036854771712", 8_192_000_000)):
        container[0].write_text(text + "\n")
        assert memory_bytes() == expected


def test_processors_respect_the_limit_of_a_container(container: tuple[Path, Path]) -> None:
    unlimited = num_processors()
    for text, expected in (("50000 100000", 1), ("max 100000", unlimited), ("9900000 100000", unlimited)):
        container[1].write_text(text + "\n")
        assert num_processors() == expected


def test_memory_is_unknown_without_system_information(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MEMINFO", "MEMBERSHIP", "CGROUPS"):
        monkeypatch.setattr(system_resources, name, tmp_path / "missing")
    monkeypatch.setattr(system_resources.os, "sysconf_names", {})
    assert memory_bytes() == 0
    assert num_processors() >= 1
