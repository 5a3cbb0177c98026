"""Tests of the CPU's name, its cores, and its bfloat16 instructions."""

import pytest

from charrnn.core import cpu_info
from charrnn.core.cpu_info import bfloat16_flag, cpu_name

AMD = "processor\t: 0\nmodel name\t: AMD EPYC 9B14\nflags\t\t: fpu avx avx2 avx512f avx512_bf16\n"
INTEL = "processor\t: 0\nmodel name\t: Intel(R) Xeon(R)  Processor @ 2.70GHz\nflags\t\t: avx avx2 avx512f amx_bf16\n"
OLD = "model name\t: Intel(R) Core(TM) i5-4570 CPU\nflags\t\t: fpu avx avx2 fma\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd aes\nCPU implementer\t: 0x41\n"


@pytest.fixture
def cpu(tmp_path, monkeypatch):
    """Replace /proc/cpuinfo on a machine with two cores and without a oneDNN limit."""
    monkeypatch.delenv(cpu_info.ONEDNN_LIMIT, raising=False)
    monkeypatch.setattr("charrnn.core.cpu_info.num_cores", lambda: 2)
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    monkeypatch.setattr("platform.system", lambda: "Linux")

    def describe(info):
        path = tmp_path / "cpuinfo"
        path.write_text(info)
        monkeypatch.setattr(cpu_info, "CPUINFO", path)

    yield describe
    cpu_info._cpuinfo.cache_clear()


@pytest.mark.parametrize(
    ("info", "name"),
    [
        (AMD, "AMD EPYC 9B14, 2 cores (AVX-512, bfloat16)"),
        (INTEL, "Intel Xeon Processor @ 2.70GHz, 2 cores (AVX-512, AMX)"),
        (OLD, "Intel Core i5-4570 CPU, 2 cores (AVX2)"),
        (ARM, "aarch64, 2 cores (NEON)"),
        ("", "aarch64, 2 cores"),
    ],
)
def test_cpu_name_has_cores_and_instructions(info, name, cpu):
    cpu(info)
    assert cpu_name() == name


def test_cpu_name_is_the_architecture_without_cpuinfo(cpu, tmp_path, monkeypatch):
    monkeypatch.setattr(cpu_info, "CPUINFO", tmp_path / "none")
    assert cpu_name() == "aarch64, 2 cores"


def test_cpu_name_of_this_machine_fits_into_its_database_column():
    assert 0 < len(cpu_name()) <= 200


@pytest.mark.parametrize(
    ("limit", "of_amd", "of_intel"),
    [
        ("", "avx512_bf16", "amx_bf16"),
        ("DEFAULT", "avx512_bf16", "amx_bf16"),
        ("AVX512_CORE_AMX", "avx512_bf16", "amx_bf16"),
        ("AVX512_CORE_BF16", "avx512_bf16", None),
        ("AVX512_CORE", None, None),
        ("avx2", None, None),
    ],
)
def test_bfloat16_flag_respects_the_onednn_limit(limit, of_amd, of_intel, cpu, monkeypatch):
    monkeypatch.setenv(cpu_info.ONEDNN_LIMIT, limit)
    for info, expected in ((AMD, of_amd), (INTEL, of_intel)):
        cpu_info._cpuinfo.cache_clear()
        cpu(info)
        assert bfloat16_flag() == expected
