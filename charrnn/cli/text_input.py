"""Opens what the user names as a text: a file, or `-` for standard input."""

import shutil
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from charrnn.core.text_decoding import open_file


def add_reading(parser: ArgumentParser) -> None:
    """Take `--encoding` and `--newlines`."""
    parser.add_argument(
        "--encoding",
        metavar="NAME",
        help="how to read the bytes, e.g. utf-8, cp1252, gb18030; found out if missing, and shown",
    )
    parser.add_argument(
        "--newlines", choices=("lf", "keep"), help="lf (default) turns CRLF and CR into LF; keep keeps them"
    )


@contextmanager
def opened_text(name: str) -> Iterator[tuple[BinaryIO, str]]:
    """Open a text for reading from any place in it.

    Yields:
        The open file, and what to call it.

    Raises:
        NotFound: There is no such file.
        TextError: It cannot be read.
    """
    if name == "-":
        with tempfile.TemporaryFile() as copy:  # a pipe cannot be read twice, and a large one not be held in memory
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.seek(0)
            yield copy, "stdin"
        return
    path = Path(name)
    with open_file(path) as file:
        yield file, path.stem
