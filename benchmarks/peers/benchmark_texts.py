"""Texts to measure with: files, and the example texts of this project."""

import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # as it is here, installed or not

from charrnn.services.example_texts import examples, open_example  # noqa: E402


def read(name: str, characters: int = -1) -> str:
    """Return the begin of a text, or all of it.

    Args:
        name: Of an example text, or of a file in UTF-8.
        characters: How many at most; all if negative.
    """
    if name in {example.name for example in examples()}:
        file = io.TextIOWrapper(open_example(name)[0], "utf-8")
    else:
        file = Path(name).open(encoding="utf-8")
    with file:
        return file.read(characters)
