"""What `precision` means on a machine."""

import pytest

from charrnn.core import cpu_features as what_it_can_do
from charrnn.core.cpu_features import MIN_BFLOAT16_UNITS
from charrnn.model.compute.precision import matmul_dtype


@pytest.fixture
def processor(tmp_path, monkeypatch):
    """Says what the processor can do."""

    def says(flags):
        info = tmp_path / "cpuinfo"
        info.write_text(f"processor\t: 0\nflags\t\t: fpu sse2 {flags} avx2\n")
        monkeypatch.setattr(what_it_can_do, "CPUINFO", info)
        monkeypatch.delenv(what_it_can_do.ONEDNN_LIMIT, raising=False)
        what_it_can_do._cpuinfo.cache_clear()

    yield says
    what_it_can_do._cpuinfo.cache_clear()


@pytest.mark.parametrize(("name", "dtype"), [("float32", "float32"), ("mixed_bfloat16", "bfloat16")])
@pytest.mark.parametrize("flags", ["amx_bf16", ""])
def test_a_named_precision_is_taken_as_it_is(name, dtype, flags, processor):
    processor(flags)
    assert matmul_dtype(name, 3) == matmul_dtype(name, 3000) == dtype


@pytest.mark.parametrize(
    ("flags", "unit", "dtype"),
    [
        ("avx512_bf16 amx_bf16", "amx_bf16", "bfloat16"),
        ("avx512_bf16", "avx512_bf16", "bfloat16"),
        ("avx512f amx_int8", None, "float32"),
    ],
)
def test_auto_takes_half_precision_where_the_processor_multiplies_it_by_hardware(flags, unit, dtype, processor):
    processor(flags)
    assert what_it_can_do.bfloat16_flag() == unit
    assert matmul_dtype("auto", MIN_BFLOAT16_UNITS) == dtype


def test_auto_leaves_small_networks_in_full_precision(processor):
    processor("amx_bf16")
    assert matmul_dtype("auto", MIN_BFLOAT16_UNITS - 1) == "float32"


def test_auto_assumes_nothing_where_the_system_does_not_tell(processor, tmp_path, monkeypatch):
    processor("amx_bf16")
    monkeypatch.setattr(what_it_can_do, "CPUINFO", tmp_path / "none")
    assert matmul_dtype("auto", MIN_BFLOAT16_UNITS) == "float32"
