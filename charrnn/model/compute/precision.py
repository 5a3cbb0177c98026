"""In which number type large matrix products are worth doing on this machine."""

from charrnn.core.cpu_features import uses_bfloat16
from charrnn.model.compute.gpu import has_gpu


def product_dtype(precision: str, units: int) -> str:
    """Return the type of products in training, `float32` or `bfloat16`.

    Args:
        precision: Value of the option; `auto` asks what is quicker here.
        units: Size of the network's layers.
    """
    if precision == "auto" and has_gpu():
        return "float32"
    return "bfloat16" if uses_bfloat16(precision, units) else "float32"
