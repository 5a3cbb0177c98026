"""The formats of weights in exported pages."""

import numpy as np
import pytest

from charrnn.core.errors import CheckpointError
from charrnn.services.web_page.packed_weights import pack
from tests.support.tiny_networks import tiny

KERNEL = np.array([[0.5, 0, -3], [-1.27, 0, 2]], np.float32)


def test_int8_has_a_scale_for_each_row() -> None:
    packed = pack({"charrnn/output_kernel": KERNEL}, tiny(), "int8")
    assert packed.arrays == ({"name": "charrnn/output_kernel", "rows": 3, "columns": 2, "format": "int8"},)
    scales = np.frombuffer(packed.data, "<f4", 3)
    np.testing.assert_allclose(scales, [1.27 / 127, 0, 3 / 127], rtol=1e-6)
    assert np.frombuffer(packed.data, "i1", 6, 12).tolist() == [50, -127, 0, 0, -127, 85]


def test_float16_keeps_the_order_of_the_product_and_limits_large_weights() -> None:
    packed = pack({"layer_2/kernel": KERNEL * 1e5, "layer_2/bias": KERNEL[0]}, tiny(), "float16")
    assert [(array["rows"], array["columns"]) for array in packed.arrays] == [(3, 2), (1, 3)]
    numbers = np.frombuffer(packed.data, "<f2").tolist()
    assert numbers == [49984, -65504, 0, 0, -65504, 65504, 0.5, 0, -3]


@pytest.mark.parametrize(
    ("options", "name", "is_table"),
    [
        ({"cell": "lstm"}, "layer_1/kernel", True),
        ({"cell": "lstm"}, "layer_2/kernel", False),
        ({"cell": "gru", "use_embedding": True}, "layer_1/kernel", False),
        ({"cell": "gru", "use_embedding": True}, "charrnn/table", True),
        ({"cell": "mingru"}, "layer_1/kernel", False),
        ({"cell": "mingru"}, "charrnn/entry", False),
    ],
)
def test_what_is_looked_up_by_character_has_a_row_for_each(
    options: dict[str, object], name: str, is_table: bool
) -> None:
    [array] = pack({name: KERNEL}, tiny(**options), "int8").arrays
    assert (array["rows"], array["columns"]) == ((2, 3) if is_table else (3, 2))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_not_exported(value: float) -> None:
    with pytest.raises(CheckpointError, match="not finite"):
        pack({"layer_1/bias": np.array([0, value], np.float32)}, tiny(), "float16")
