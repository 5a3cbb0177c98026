"""What a command is, and what all commands share: how they fail, how they reach the services, how they name others."""

import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from charrnn.services import Services

DONE, FAILED, WRONG_USAGE = 0, 1, 2
"""Exit codes; one that a signal ended has 128 and the signal's number, as shells count."""


class UsageError(Exception):
    """The command line cannot be understood; its text says what came, what was expected, what to do."""


@dataclass(frozen=True)
class Command:
    """One word after `charrnn`."""

    name: str
    group: str
    """Heading it stands under in the help."""
    usage: str
    """What stands after the name, for the help's first line."""
    summary: str
    add_flags: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
    """Does it and returns the exit code."""


def opened(args: Namespace) -> "Services":
    """Open the services that `--home` and `--database` name; use them with `with`."""
    from charrnn.services import open_services
    from charrnn.services.bootstrap import refuse_password

    refuse_password(args.database)
    return open_services(args.home, database_url=args.database)


def add_model(parser: ArgumentParser) -> None:
    """Take the name of a model, the one argument of many commands."""
    parser.add_argument("name", metavar="NAME", help="name of the model, or its id")


def add_json(parser: ArgumentParser) -> None:
    """Take `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")


def output_path(name: str) -> Path:
    """Return a file to write to.

    Raises:
        UsageError: Its folder does not exist.
    """
    path = Path(name)
    if not path.absolute().parent.is_dir():
        raise UsageError(f"The folder of {name} does not exist. Make it first, or choose another --output.")
    return path


def typed(args: Namespace, *words: str) -> str:
    """Spell a command for the user to type, in the same data folder."""
    home = ["--home", args.home] if args.home else []
    return shlex.join(["charrnn", *home, *words])
