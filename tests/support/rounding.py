"""Compare results with a float64 reference, within the rounding errors of any CPU."""

import numpy as np

EPSILON = {"float32": 2.0**-23, "bfloat16": 2.0**-7, "float64": 2.0**-52}
"""Maximum relative error of one operation: twice that of rounding to nearest, as a margin."""
FUNCTION = 16
"""Roundings of one exp, tanh or sigmoid, which libraries approximate by polynomials."""


def assert_close(actual, expected, *, roundings, dtype="float32", name=""):
    """Assert that an array differs from a reference only by rounding.

    Terms of a sum can cancel, so the rounding error of an element does not depend on the element's size. The bound
    is relative to the largest element of the reference.

    Args:
        roundings: Number of consecutive rounded operations that lead to an element: the length of its sums,
            times the number of layers and characters that they pass through.
        dtype: Data type of the operations.
    """
    expected = np.asarray(expected, np.float64)
    bound = roundings * EPSILON[dtype] * abs(expected).max()
    np.testing.assert_allclose(np.asarray(actual, np.float64), expected, rtol=0, atol=bound, err_msg=name)
