"""Read the texts of benchmarks: files, and the example texts of this project."""

import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the checkout, even if another version is installed

from charrnn.services.example_texts import examples, open_example  # noqa: E402


def read_text(name: str, characters: int = -1) -> str:
    """Return a text, or its beginning.

    Args:
        name: Name of an example text, or path of a UTF-8 file.
        characters: Maximum number of characters; negative for the whole text.
    """
    if name in {example.name for example in examples()}:
        file = io.TextIOWrapper(open_example(name)[0], "utf-8")
    else:
        file = Path(name).open(encoding="utf-8")
    with file:
        return file.read(characters)
