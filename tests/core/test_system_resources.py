"""Memory and processors of a machine, and of a container."""

from pathlib import Path

import pytest

from charrnn.core import system_resources
from charrnn.core.system_resources import memory_bytes, num_processors

GROUPS = {
    "version 2": ("0::/docker/abc", "memory.max", "cpu.max"),
    "inside of a container": ("0::/", "memory.max", "cpu.max"),
    "version 1": ("9:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc", "memory/memory.limit_in_bytes", "cpu/cpu.max"),
}


@pytest.fixture(params=GROUPS)
def container(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A machine with 8 GB, and the files that limit a container's memory and processors."""
    membership, memory, cpu = GROUPS[request.param]
    (tmp_path / "meminfo").write_text("MemTotal:        8000000 kB\nMemFree:         7 kB\n")
    (tmp_path / "cgroup").write_text(membership + "\n")
    monkeypatch.setattr(system_resources, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(system_resources, "MEMBERSHIP", tmp_path / "cgroup")
    monkeypatch.setattr(system_resources, "CGROUPS", tmp_path)
    for name in (memory, cpu):
        (tmp_path / name).parent.mkdir(exist_ok=True)
    return tmp_path / memory, tmp_path / cpu


def test_a_container_has_the_memory_that_it_is_limited_to(container: tuple[Path, Path]) -> None:
    for text, expected in (("512000000", 512_000_000), ("max", 8_192_000_000), ("9223372036854771712", 8_192_000_000)):
        container[0].write_text(text + "\n")
        assert memory_bytes() == expected


def test_a_container_has_the_processors_that_it_is_limited_to(container: tuple[Path, Path]) -> None:
    here = num_processors()
    for text, expected in (("50000 100000", 1), ("max 100000", here), ("9900000 100000", here)):
        container[1].write_text(text + "\n")
        assert num_processors() == expected


def test_a_machine_that_tells_nothing_has_no_known_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MEMINFO", "MEMBERSHIP", "CGROUPS"):
        monkeypatch.setattr(system_resources, name, tmp_path / "missing")
    monkeypatch.setattr(system_resources.os, "sysconf_names", {})
    assert memory_bytes() == 0
    assert num_processors() >= 1
