"""In which number type large matrix products are worth doing on this machine."""

import tensorflow as tf

from charrnn.core.processor import multiplies_in_bfloat16


def product_dtype(precision: str, units: int) -> str:
    """Return the type of products in training, `float32` or `bfloat16`.

    Args:
        precision: Value of the option; `auto` asks what is quicker here.
        units: Size of the network's layers.
    """
    if precision == "auto" and tf.config.list_physical_devices("GPU"):
        return "float32"
    return "bfloat16" if multiplies_in_bfloat16(precision, units) else "float32"
