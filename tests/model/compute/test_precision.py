"""Tests of the data type of matrix products."""

import pytest

from charrnn.core import cpu_info
from charrnn.core.cpu_info import MIN_BFLOAT16_UNITS
from charrnn.model.compute.precision import matmul_dtype


@pytest.fixture
def processor(tmp_path, monkeypatch):
    """Return a function that sets the CPU's flags."""

    def set_flags(flags):
        info = tmp_path / "cpuinfo"
        info.write_text(f"processor\t: 0\nflags\t\t: fpu sse2 {flags} avx2\n")
        monkeypatch.setattr(cpu_info, "CPUINFO", info)
        monkeypatch.delenv(cpu_info.ONEDNN_LIMIT, raising=False)
        cpu_info._cpuinfo.cache_clear()

    yield set_flags
    cpu_info._cpuinfo.cache_clear()


@pytest.mark.parametrize(("name", "dtype"), [("float32", "float32"), ("mixed_bfloat16", "bfloat16")])
@pytest.mark.parametrize("flags", ["amx_bf16", ""])
def test_explicit_precision_is_used_as_is(name, dtype, flags, processor):
    processor(flags)
    assert matmul_dtype(name, 3) == matmul_dtype(name, 3000) == dtype


@pytest.mark.parametrize(
    ("flags", "flag", "dtype"),
    [
        ("avx512_bf16 amx_bf16", "amx_bf16", "bfloat16"),
        ("avx512_bf16", "avx512_bf16", "bfloat16"),
        ("avx512f amx_int8", None, "float32"),
    ],
)
def test_auto_uses_bfloat16_when_the_cpu_supports_it(flags, flag, dtype, processor):
    processor(flags)
    assert cpu_info.bfloat16_flag() == flag
    assert matmul_dtype("auto", MIN_BFLOAT16_UNITS) == dtype


def test_auto_uses_float32_for_small_networks(processor):
    processor("amx_bf16")
    assert matmul_dtype("auto", MIN_BFLOAT16_UNITS - 1) == "float32"


def test_auto_uses_float32_when_the_cpu_is_unknown(processor, tmp_path, monkeypatch):
    processor("amx_bf16")
    monkeypatch.setattr(cpu_info, "CPUINFO", tmp_path / "none")
    assert matmul_dtype("auto", MIN_BFLOAT16_UNITS) == "float32"
