"""Parse the command line. Flags may contain `_` or `-`; errors suggest the closest flag or command."""

import difflib
import re
from argparse import Action, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from charrnn.cli.command_base import Command, UsageError

_FLAG = re.compile(r"(--?[A-Za-z][\w-]*)(=.*)?", re.DOTALL)


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise a UsageError instead of printing the message and exiting."""
        raise UsageError(f"{message[:1].upper()}{message[1:].rstrip('.')}. See: {self.prog} --help")

    def _get_values(self, action: Action, arg_strings: list[str]) -> Any:
        # Python before 3.12.5 treats the "--" of `--stop=--` as the end of all flags.
        if action.option_strings and arg_strings == ["--"]:
            return "--"
        return super()._get_values(action, arg_strings)


def parse(argv: Sequence[str], commands: Mapping[str, Command]) -> Namespace:
    """Parse a command line.

    Args:
        argv: The arguments, without the name of the program.
        commands: All commands by name.

    Returns:
        The parsed arguments; `command` is the Command, or `None` if there is none.

    Raises:
        UsageError: The command line is invalid.
        SystemExit: The help of a command was printed.
    """
    leading, rest = _split_at_command(argv)
    global_parser = _Parser(prog="charrnn", add_help=False, allow_abbrev=False)
    _add_global_flags(global_parser.add_argument)
    global_parser.add_argument("--version", action="store_true")
    global_parser.add_argument("-h", "--help", action="store_true")
    args = global_parser.parse_args(_normalize_flags(global_parser, leading))
    args.command = None
    if args.version or args.help or not rest:
        return args
    if rest[0] == "help":
        rest = [*rest[1:2], "--help"]
        if len(rest) == 1:
            args.help = True
            return args
    if rest[0] not in commands:
        raise UsageError(f"There is no command {rest[0]!r}{_suggestion(rest[0], commands)} See: charrnn --help")
    command = commands[rest[0]]
    parser = _create_parser(command)
    parser.parse_args(_normalize_flags(parser, rest[1:]), namespace=args)
    args.command = command
    return args


def overview(commands: Iterable[Command]) -> str:
    """Return the help of `charrnn` itself."""
    lines = [
        "usage: charrnn [--home DIR] [--database URL] [--verbose] COMMAND …",
        "",
        "Train a character-level language model on a text, then generate text with it.",
        "",
        "  charrnn train --input_file shakespeare.txt --name shakespeare --minutes 5",
        "  charrnn sample shakespeare --start_string ROMEO: --max_length 1000",
    ]
    group = ""
    for command in commands:
        if command.group != group:
            group = command.group
            lines += ["", f"{group}:"]
        lines.append(f"  {command.name:10}{command.summary}")
    lines += [
        "",
        "Global flags:",
        "  --home DIR       data folder (default: CHARRNN_HOME, or the user's data folder)",
        "  --database URL   database (default: CHARRNN_DATABASE_URL, MYSQL_HOST etc., or a SQLite file in --home)",
        "  --verbose        print warnings, and tracebacks of errors",
        "  --version        print the version",
        "",
        "Help for a command: charrnn COMMAND --help. Exit codes: 0 success, 1 failure, 2 usage error.",
    ]
    return "\n".join(lines)


def _create_parser(command: Command) -> _Parser:
    parser = _Parser(
        prog=f"charrnn {command.name}",
        usage=f"charrnn {command.name} {command.usage}",
        description=f"{command.summary.capitalize()}.",
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_flags(parser)
    _add_global_flags(parser.add_argument_group("Global flags").add_argument)
    return parser


def _add_global_flags(add: Callable[..., object]) -> None:
    add("--home", metavar="DIR", help="data folder")
    add("--database", metavar="URL", help="database")
    add("--verbose", action="store_true", help="print warnings, and tracebacks of errors")


def _split_at_command(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split a command line into the flags before the command, and the command with its arguments."""
    index = 0
    while index < len(argv) and argv[index].startswith("-"):
        takes_value = argv[index] in ("--home", "--database")
        index += 2 if takes_value else 1
    return list(argv[:index]), list(argv[index:])


def _normalize_flags(parser: ArgumentParser, argv: Sequence[str]) -> list[str]:
    """Replace `-` with `_` in the names of all flags.

    Raises:
        UsageError: There are unknown flags; the message lists all of them, with suggestions.
    """
    known = list(parser._option_string_actions)
    normalized: list[str] = []
    unknown: list[str] = []
    for index, word in enumerate(argv):
        if word == "--":
            normalized += argv[index:]
            break
        if match := _FLAG.fullmatch(word):
            flag = "--" + match[1].lstrip("-").replace("-", "_") if len(match[1]) > 2 else match[1]
            if flag in known and match[1].startswith("--") or match[1] == "-h":
                word = flag + (match[2] or "")
            else:
                unknown.append(f"There is no flag {match[1]}{_suggestion(flag, known)}")
        normalized.append(word)
    if unknown:
        raise UsageError(" ".join(unknown) + f" See: {parser.prog} --help")
    return normalized


def _suggestion(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else "."
