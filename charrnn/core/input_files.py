"""Open files that users name."""

from pathlib import Path
from typing import BinaryIO

from charrnn.core.errors import NotFound, TextError


def missing_file(path: Path) -> NotFound:
    """Return the error for a file that does not exist."""
    return NotFound(f"There is no file {path}. Check the name; relative paths start at {Path.cwd()}.")


def open_text_file(path: Path) -> BinaryIO:
    """Open a text file in binary mode.

    Raises:
        NotFound: There is no such file.
        TextError: The file cannot be read.
    """
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise missing_file(path) from None
    except (OSError, ValueError) as error:  # ValueError: NUL or a lone surrogate in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise TextError(f"The file {str(path)!r} cannot be read: {reason}.") from error
