"""Open a text by its name on the command line: a file, or `-` for standard input."""

import shutil
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from charrnn.core.text_decoding import decode, open_file, resolve_encoding


def add_encoding_flags(parser: ArgumentParser) -> None:
    """Add the flags `--encoding` and `--newlines`."""
    parser.add_argument(
        "--encoding",
        metavar="NAME",
        help="encoding of the file, e.g. utf-8, cp1252, gb18030; detected if missing",
    )
    parser.add_argument(
        "--newlines", choices=("lf", "keep"), help="lf (default) converts CRLF and CR to LF; keep keeps them"
    )


@contextmanager
def open_text(name: str) -> Iterator[tuple[BinaryIO, str]]:
    """Open a text as a seekable file.

    Yields:
        The open binary file and a name for the text.

    Raises:
        NotFound: There is no such file.
        TextError: The file cannot be read.
    """
    if name == "-":
        with tempfile.TemporaryFile() as copy:  # a pipe is not seekable, and may not fit into memory
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.seek(0)
            yield copy, "stdin"
        return
    path = Path(name)
    with open_file(path) as file:
        yield file, path.stem


def read_text(args: Namespace) -> tuple[str, str]:
    """Read the text that the arguments FILE, `--encoding` and `--newlines` name; return it with its encoding.

    Raises:
        NotFound: There is no such file.
        TextError: The file cannot be read or decoded.
    """
    with open_text(args.file) as (file, _):
        encoding = resolve_encoding(file, args.encoding).encoding
        return "".join(decode(file, encoding=encoding, newlines=args.newlines or "lf")), encoding
