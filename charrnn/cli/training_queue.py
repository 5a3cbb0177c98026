"""List, reorder and cancel waiting trainings (`charrnn queue`)."""

from argparse import ArgumentParser, Namespace

from charrnn.cli.command_base import DONE, Command, UsageError, add_json, format_command, services_for
from charrnn.cli.terminal_output import notice, print_json, print_table
from charrnn.core import formatting

USAGE = {"list": "", "move": " NAME up|down|first", "cancel": " NAME"}


def _flags(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", choices=tuple(USAGE), default="list",
        help="list: print the waiting trainings (default); move: change the place of one; cancel: remove one",
    )  # fmt: skip
    parser.add_argument("name", metavar="NAME", nargs="?", help="name or id of the model (move, cancel)")
    parser.add_argument(
        "place", metavar="PLACE", nargs="?", choices=("up", "down", "first"),
        help="up or down by one among the trainings of its owner, or first of all (move)",
    )  # fmt: skip
    add_json(parser)


def _queue(args: Namespace) -> int:
    if [args.name is not None, args.place is not None] != [args.action != "list", args.action == "move"]:
        raise UsageError(f"Use: charrnn queue {args.action}{USAGE[args.action]}. See: charrnn queue --help")
    with services_for(args) as services:
        if args.action == "list":
            entries = services.queue.entries()
        elif args.action == "move":
            model = services.queue.move(services.models.resolve(args.name).id, args.place)
            notice(f"{model.name!r}: {services.queue.entry(model.id) or 'it no longer waits'}.")
        else:
            model = services.queue.cancel(services.models.resolve(args.name).id)
            resume = format_command(args, "resume", model.name)
            notice(f"Cancelled the training of {model.name!r}. The model is kept; train it with: {resume}")
    if args.action != "list":
        return DONE
    if args.json:
        print_json(entries)
    elif not entries:
        notice("No training waits.")
    else:
        since = [formatting.local_time(entry.model.queued_at) for entry in entries]
        print_table(
            ["", "name", "starts", "waiting since", "owner"],
            [
                [str(entry.position), entry.model.name, entry.when, moment, entry.model.owner]
                for entry, moment in zip(entries, since, strict=True)
            ],
        )
    return DONE


COMMANDS = (
    Command(
        "queue",
        "Train",
        "[list | move NAME up|down|first | cancel NAME] [--json]",
        "list, reorder or cancel waiting trainings",
        _flags,
        _queue,
    ),
)
