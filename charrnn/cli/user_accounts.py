"""Edit the login file of a dashboard (`charrnn user`)."""

import os
import sys
from argparse import ArgumentParser, Namespace
from getpass import getpass
from pathlib import Path

from charrnn.cli.command_base import DONE, Command, UsageError, add_json
from charrnn.cli.terminal_output import notice, print_json, print_table
from charrnn.core.errors import StudioError
from charrnn.core.password_hashing import is_hashed

LOGIN_FILE_VARIABLE = "CHARRNN_LOGIN_FILE"
MAX_INPUT_LENGTH = 10_000


def _flags(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=("add", "remove", "list", "convert"),
        help="add: create a user, and the file if it is missing; remove: end a user's access, open pages included; "
        "list: print the users; convert: replace plain-text passwords with hashes",
    )  # fmt: skip
    parser.add_argument("name", metavar="NAME", nargs="?", help="name of the user (add, remove)")
    parser.add_argument(
        "--login_file", metavar="FILE", help=f"login file of the dashboard (default: {LOGIN_FILE_VARIABLE})"
    )
    parser.add_argument(
        "--password_file", metavar="FILE",
        help="read the password from the first line of a file (default: prompt for it on a terminal, else read "
        "standard input)",
    )  # fmt: skip
    parser.add_argument("--replace", action="store_true", help="change the password of an existing user")
    add_json(parser)


def _user(args: Namespace) -> int:
    from charrnn.services import login_file

    path = _login_file(args)
    if (args.name is None) != (args.action in ("list", "convert")):
        expected = "a NAME" if args.name is None else "no NAME"
        raise UsageError(f"`charrnn user {args.action}` takes {expected}. See: charrnn user --help")
    if args.action == "add":
        login_file.check_user(args.name)
        login_file.add_user(path, args.name, _password(args), replace=args.replace)
        notice(f"{args.name} can log in. Start the dashboard with --login-file {path}.")
    elif args.action == "remove":
        login_file.remove_user(path, args.name)
        notice(f"{args.name} can no longer log in; open pages are closed.")
    elif args.action == "convert":
        converted = login_file.hash_plain_text(path)
        notice(f"Hashed {len(converted)} plain-text password(s). These users have to log in again.")
    else:
        _list(login_file.read_users(path), as_json=args.json)
    return DONE


def _login_file(args: Namespace) -> Path:
    name = args.login_file or os.environ.get(LOGIN_FILE_VARIABLE)
    if not name:
        raise UsageError(f"There is no login file to edit. Add --login_file FILE, or set {LOGIN_FILE_VARIABLE}.")
    return Path(name).absolute()


def _password(args: Namespace) -> str:
    """Return the new password; it is never taken from a flag, which every user of this machine could read."""
    if args.password_file:
        try:
            with open(args.password_file, encoding="utf-8") as file:
                return file.readline(MAX_INPUT_LENGTH).rstrip("\r\n")
        except UnicodeDecodeError:
            raise StudioError(f"Cannot read {args.password_file}: it is not UTF-8.") from None
    if not sys.stdin.isatty():
        return sys.stdin.readline(MAX_INPUT_LENGTH).rstrip("\r\n")
    password = getpass(f"Password for {args.name}: ")
    if getpass("Repeat the password: ") != password:
        raise StudioError("The two passwords differ. Nothing was changed.")
    return password


def _list(stored: dict[str, str], *, as_json: bool) -> None:
    kinds = {user: "hashed" if is_hashed(password) else "plain text" for user, password in sorted(stored.items())}
    if as_json:
        print_json(kinds)
    else:
        print_table(["user", "password"], [[user, kind] for user, kind in kinds.items()])
    if "plain text" in kinds.values():
        notice("Some passwords are plain text. Run `charrnn user convert` to hash them.")


COMMANDS = (
    Command(
        "user", "Serve", "(add|remove|list|convert) [NAME] [--login_file FILE]", "manage who can log in", _flags, _user
    ),
)
