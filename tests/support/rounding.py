"""Compare results with a reference in float64, within what rounding explains on any CPU."""

import numpy as np

EPSILON = {"float32": 2.0**-23, "bfloat16": 2.0**-7, "float64": 2.0**-52}
"""Largest relative error of one operation, with some room: twice that of rounding to nearest."""
FUNCTION = 16
"""Roundings that one exp, tanh or sigmoid may cost: libraries approximate them by polynomials."""


def assert_close(found, expected, *, roundings, dtype="float32", name=""):
    """Assert that an array differs from a reference by rounding alone.

    Terms of a sum cancel, so what rounding does to an element has nothing to do with the element's own size. The bound
    is relative to the largest element of the reference.

    Args:
        roundings: Number of rounded operations, one after the other, that lead to an element: the length of its sums,
            times the number of layers and characters that it went through.
        dtype: Type in which they are rounded.
    """
    expected = np.asarray(expected, np.float64)
    bound = roundings * EPSILON[dtype] * abs(expected).max()
    np.testing.assert_allclose(np.asarray(found, np.float64), expected, rtol=0, atol=bound, err_msg=name)
