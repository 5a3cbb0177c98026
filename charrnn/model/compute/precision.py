"""Choose the data type of large matrix products."""

from charrnn.core.cpu_info import uses_bfloat16
from charrnn.model.compute.gpu_detection import has_gpu


def matmul_dtype(precision: str, units: int) -> str:
    """Return the data type of matrix products in training, `float32` or `bfloat16`.

    Args:
        precision: Value of the option; `auto` chooses the faster type for this machine.
        units: Hidden units in each layer.
    """
    if precision == "auto" and has_gpu():
        return "float32"
    return "bfloat16" if uses_bfloat16(precision, units) else "float32"
