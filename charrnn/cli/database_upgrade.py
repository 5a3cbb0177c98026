"""Upgrade or locate the database (`charrnn db`)."""

from argparse import ArgumentParser, Namespace

from charrnn.cli.command_base import DONE, Command, add_json
from charrnn.cli.terminal_output import notice, print_facts, print_json


def _flags(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("upgrade", "where"),
        help="upgrade migrates the database to this version; where prints the locations of database and data folder",
    )
    add_json(parser)


def _db(args: Namespace) -> int:
    from charrnn.services import bootstrap

    if args.action == "upgrade":
        bootstrap.reject_password(args.database)
        bootstrap.upgrade_database(args.home, database_url=args.database)
        notice("The database is up to date.")
        return DONE
    home, url = bootstrap.locations(args.home, database_url=args.database)
    if args.json:
        print_json({"home": str(home), "database": url})
    else:
        print_facts({"data folder": str(home), "database": url})
    return DONE


COMMANDS = (Command("db", "Reference", "(upgrade | where)", "upgrade or locate the database", _flags, _db),)
