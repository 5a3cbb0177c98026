"""Reads the command line: the command, its flags with `_` or `-`, and what a mistyped one was meant to be."""

import difflib
import re
from argparse import Action, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from charrnn.cli.command import Command, UsageError

_FLAG = re.compile(r"(--?[A-Za-z][\w-]*)(=.*)?", re.DOTALL)


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Leave the telling to the command line's one place for errors."""
        raise UsageError(f"{message[:1].upper()}{message[1:].rstrip('.')}. See: {self.prog} --help")

    def _get_values(self, action: Action, arg_strings: list[str]) -> Any:
        # Python before 3.12.5 takes the "--" of `--stop=--` for the end of all flags
        if action.option_strings and arg_strings == ["--"]:
            return "--"
        return super()._get_values(action, arg_strings)


def parse(argv: Sequence[str], commands: Mapping[str, Command]) -> Namespace:
    """Read a command line.

    Args:
        argv: Without the program's name.
        commands: By name.

    Returns:
        Its arguments; `command` is the Command, or `None` where none was named.

    Raises:
        UsageError: It cannot be understood.
        SystemExit: Help for a command was printed.
    """
    leading, rest = _divided(argv)
    before = _Parser(prog="charrnn", add_help=False, allow_abbrev=False)
    _add_everywhere(before.add_argument)
    before.add_argument("--version", action="store_true")
    before.add_argument("-h", "--help", action="store_true")
    args = before.parse_args(_with_known_flags(before, leading))
    args.command = None
    if args.version or args.help or not rest:
        return args
    if rest[0] == "help":
        rest = [*rest[1:2], "--help"]
        if len(rest) == 1:
            args.help = True
            return args
    if rest[0] not in commands:
        raise UsageError(f"There is no command {rest[0]!r}{_meant(rest[0], commands)} See: charrnn --help")
    command = commands[rest[0]]
    parser = _parser_of(command)
    parser.parse_args(_with_known_flags(parser, rest[1:]), namespace=args)
    args.command = command
    return args


def overview(commands: Iterable[Command]) -> str:
    """Return the help of `charrnn` itself."""
    lines = [
        "usage: charrnn [--home DIR] [--database URL] [--verbose] COMMAND …",
        "",
        "Give it a text; it learns to write like it, one character at a time; then write with it.",
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
        "Everywhere:",
        "  --home DIR       data folder (else CHARRNN_HOME, else the user's data folder)",
        "  --database URL   database (else CHARRNN_DATABASE_URL, else MYSQL_HOST and so on, else a file in --home)",
        "  --verbose        print warnings, and the traceback of an error",
        "  --version        tell the version",
        "",
        "charrnn COMMAND --help tells all about a command. Exit codes: 0 done, 1 failed, 2 wrong usage.",
    ]
    return "\n".join(lines)


def _parser_of(command: Command) -> _Parser:
    parser = _Parser(
        prog=f"charrnn {command.name}",
        usage=f"charrnn {command.name} {command.usage}",
        description=f"{command.summary.capitalize()}.",
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_flags(parser)
    _add_everywhere(parser.add_argument_group("Everywhere").add_argument)
    return parser


def _add_everywhere(add: Callable[..., object]) -> None:
    add("--home", metavar="DIR", help="data folder")
    add("--database", metavar="URL", help="database")
    add("--verbose", action="store_true", help="print warnings, and the traceback of an error")


def _divided(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Divide into what stands before the command, and the command with all after it."""
    at = 0
    while at < len(argv) and argv[at].startswith("-"):
        takes_value = argv[at] in ("--home", "--database")
        at += 2 if takes_value else 1
    return list(argv[:at]), list(argv[at:])


def _with_known_flags(parser: ArgumentParser, argv: Sequence[str]) -> list[str]:
    """Spell all flags with `_`.

    Raises:
        UsageError: Some do not exist; all are named, each with the one that was probably meant.
    """
    known = list(parser._option_string_actions)
    spelled: list[str] = []
    unknown: list[str] = []
    for at, word in enumerate(argv):
        if word == "--":
            spelled += argv[at:]
            break
        if found := _FLAG.fullmatch(word):
            flag = "--" + found[1].lstrip("-").replace("-", "_") if len(found[1]) > 2 else found[1]
            if flag in known and found[1].startswith("--") or found[1] == "-h":
                word = flag + (found[2] or "")
            else:
                unknown.append(f"There is no flag {found[1]}{_meant(flag, known)}")
        spelled.append(word)
    if unknown:
        raise UsageError(" ".join(unknown) + f" See: {parser.prog} --help")
    return spelled


def _meant(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else "."
