"""Define the base of all commands: exit codes, usage errors, common arguments, and access to the services."""

import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from charrnn.services import Services

DONE, FAILED, WRONG_USAGE = 0, 1, 2
"""Exit codes. A command that a signal ended exits with 128 plus the signal number, as shells do."""


class UsageError(Exception):
    """The command line is invalid. The message contains the invalid input, what was expected, and what to do."""


@dataclass(frozen=True)
class Command:
    """A command of `charrnn`."""

    name: str
    group: str
    """Heading in the help."""
    usage: str
    """Arguments after the name, for the first line of the help."""
    summary: str
    add_flags: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
    """Runs the command and returns the exit code."""


def services_for(args: Namespace) -> "Services":
    """Open the services for `--home` and `--database`; use the result as a context manager."""
    from charrnn.services import open_services
    from charrnn.services.bootstrap import reject_password

    reject_password(args.database)
    return open_services(args.home, database_url=args.database)


def add_model(parser: ArgumentParser) -> None:
    """Add the argument NAME, a model."""
    parser.add_argument("name", metavar="NAME", help="name or id of the model")


def add_json(parser: ArgumentParser) -> None:
    """Add the flag `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")


def output_path(name: str) -> Path:
    """Return the path of an output file.

    Raises:
        UsageError: Its folder does not exist.
    """
    path = Path(name)
    if not path.absolute().parent.is_dir():
        raise UsageError(f"The folder of {name} does not exist. Create it first, or choose another --output.")
    return path


def format_command(args: Namespace, *argv: str) -> str:
    """Return a command for the user to run, with the same data folder."""
    home = ["--home", args.home] if args.home else []
    return shlex.join(["charrnn", *home, *argv])
