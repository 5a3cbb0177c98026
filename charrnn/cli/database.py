"""`charrnn db`."""

from argparse import ArgumentParser, Namespace

from charrnn.cli.command import DONE, Command, add_json
from charrnn.cli.terminal_output import notice, print_facts, print_json


def _flags(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("upgrade", "where"),
        help="upgrade brings the database to this program's "
        "version; where tells which one it is, and where the data folder is",
    )
    add_json(parser)


def _db(args: Namespace) -> int:
    from charrnn.services import bootstrap

    if args.action == "upgrade":
        bootstrap.refuse_password(args.database)
        bootstrap.upgrade_database(args.home, database_url=args.database)
        notice("The database has this program's version.")
        return DONE
    home, address = bootstrap.where(args.home, database_url=args.database)
    if args.json:
        print_json({"home": str(home), "database": address})
    else:
        print_facts({"data folder": str(home), "database": address})
    return DONE


COMMANDS = (Command("db", "Reference", "(upgrade | where)", "upgrade or name the database", _flags, _db),)
