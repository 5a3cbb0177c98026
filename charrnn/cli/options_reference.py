"""List the options (`charrnn options`) and the presets (`charrnn presets`)."""

import json
from argparse import ArgumentParser, Namespace

from charrnn.cli.command_base import DONE, Command, add_json
from charrnn.cli.terminal_output import echo, print_json, print_table
from charrnn.core.options import Kind, options, presets, table

KINDS: tuple[Kind, ...] = ("training", "sampling")


def _options_flags(parser: ArgumentParser) -> None:
    parser.add_argument("kind", choices=KINDS, nargs="?", help="list only the options of this kind")
    parser.add_argument("--markdown", action="store_true", help="print the tables of the documentation")
    add_json(parser)


def _options(args: Namespace) -> int:
    kinds = [kind for kind in KINDS if args.kind in (None, kind)]
    if args.json:
        print_json({kind: list(options(kind).values()) for kind in kinds})
        return DONE
    for kind in kinds:
        if args.markdown:
            echo(table(kind) + "\n")
            continue
        echo(f"{kind} options\n")
        print_table(
            ["option", "default", "allowed", "description"],
            [
                [option.name, json.dumps(option.default).strip('"') or "empty", option.allowed, option.help]
                for option in options(kind).values()
            ],
        )
        echo("")
    return DONE


def _presets(args: Namespace) -> int:
    if args.json:
        print_json(list(presets().values()))
        return DONE
    for preset in presets().values():
        flags = " ".join(f"--{name} {json.dumps(value).strip('"')}" for name, value in preset.values.items())
        echo(f"{preset.name}\n  {preset.help}\n" + (f"  {flags}\n" if flags else ""))
    return DONE


COMMANDS = (
    Command("options", "Reference", "[training|sampling] [--json]", "list all options", _options_flags, _options),
    Command("presets", "Reference", "[--json]", "list the presets", add_json, _presets),
)
