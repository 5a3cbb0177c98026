"""Text as an array of Unicode code points, the form in which NumPy counts and looks up characters."""

import numpy as np
import numpy.typing as npt

LIMIT = 0x110000
"""One more than the highest code point."""


def code_points(text: str) -> npt.NDArray[np.unsignedinteger]:
    """Return the code point of each character, shape `(len(text),)`; lone surrogates keep theirs."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
