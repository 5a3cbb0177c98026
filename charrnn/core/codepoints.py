"""Convert text to an array of Unicode code points."""

import numpy as np
import numpy.typing as npt

NUM_CODE_POINTS = 0x110000
"""Number of Unicode code points, including surrogates."""


def code_points(text: str) -> npt.NDArray[np.unsignedinteger]:
    """Return the code point of each character, shape `(len(text),)`; lone surrogates are allowed."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
