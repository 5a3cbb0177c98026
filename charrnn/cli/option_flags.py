"""Flags made from the options' schema, so that a new option has its flag at once."""

import json
from argparse import SUPPRESS, ArgumentParser, Namespace
from typing import Any

from charrnn.core.options import Kind, Option, Value, checked, options, preset, presets

METAVARS = {"integer": "N", "number": "X", "boolean": "true|false", "string": "TEXT"}


def add_options(parser: ArgumentParser, kind: Kind) -> None:
    """Add a flag for every option of a kind, under the headings of the forms.

    Values stay as they were typed: `charrnn.core.options.checked` reads them and reports all wrong ones at once.
    """
    groups: dict[str, Any] = {}
    for option in options(kind).values():
        if option.group not in groups:
            groups[option.group] = parser.add_argument_group(option.group)
        groups[option.group].add_argument(
            f"--{option.name}",
            metavar="|".join(option.choices) or METAVARS[option.type],
            default=SUPPRESS,
            help=_help(option).replace("%", "%%"),
        )


def add_preset(parser: ArgumentParser) -> None:
    """Take `--preset`."""
    parser.add_argument("--preset", metavar="|".join(presets()), help="options to begin with (see: charrnn presets)")


def given(args: Namespace, kind: Kind) -> dict[str, str]:
    """Return the options of a kind that were typed."""
    return {name: getattr(args, name) for name in options(kind) if hasattr(args, name)}


def training_options(args: Namespace) -> dict[str, Value]:
    """Return all training options as preset and flags set them.

    Raises:
        OptionError: Some are wrong, or there is no such preset.
    """
    base = preset(args.preset) if args.preset else None
    return checked("training", given(args, "training"), base=base)


def _help(option: Option) -> str:
    default = json.dumps(option.default).strip('"') or "empty"
    allowed = "" if option.choices or option.type in ("boolean", "string") else f" {option.allowed.capitalize()}."
    return f"{option.help}{allowed} Default: {default}."
