"""Print the log of a training (`charrnn log`)."""

import sys
from argparse import ArgumentParser, Namespace

from charrnn.cli.command_base import DONE, Command, UsageError, add_json, add_model, services_for
from charrnn.cli.terminal_output import echo, hint, print_json
from charrnn.core.records import LogLine


def _flags(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("--follow", action="store_true", help="keep printing until the training ends")
    parser.add_argument("--last", type=int, metavar="N", help="print only the last N lines")
    add_json(parser)


def _log(args: Namespace) -> int:
    if args.last is not None and args.last < 0:
        raise UsageError(f"--last is {args.last}, but must be at least 0.")
    with services_for(args) as services:
        model = services.models.resolve(args.name)
        after = 0 if args.last is None else max(0, model.log_position - args.last)
        if not args.follow:
            lines = services.models.lines(model.id, after=after)
            if args.json:
                print_json(lines)
            else:
                _print(lines)
            return DONE
        if entry := services.queue.entry(model.id):
            hint(f"{entry}.")
        for update in services.training.follow(model.id, after=after):
            if args.json:  # JSON Lines, so that readers can process the stream
                for line in update.lines:
                    print_json(line, indent=None)
            else:
                _print(update.lines)
            model = update.model
    hint(f"{model.name}: {model.state} at step {model.step:,}")
    return DONE


def _print(lines: list[LogLine]) -> None:
    if sys.stdout.isatty():
        for line in lines:
            echo(line.text)
    else:
        sys.stdout.write("".join(line.text + "\n" for line in lines))
        sys.stdout.flush()


COMMANDS = (Command("log", "Train", "NAME [--follow] [--last N]", "print the log of a training", _flags, _log),)
