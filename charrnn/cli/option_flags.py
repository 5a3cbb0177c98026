"""Flags made from the options' schema, so that a new option has its flag at once."""

import json
import textwrap
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from charrnn.cli.terminal_output import notice
from charrnn.core import formatting
from charrnn.core.options import Kind, Option, Value, defaults, options, presets

if TYPE_CHECKING:
    from charrnn.services.cost_estimate import Estimate

ALWAYS_TOLD = "lstm_size", "num_layers"
"""Options that Auto's choice is told with even where it is the default."""
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
    """Take `--minutes` and `--preset`."""
    parser.add_argument(
        "--minutes",
        metavar="X",
        help="how long you have: chooses all other options for the text, this time and this machine (preset auto)",
    )
    parser.add_argument("--preset", metavar="|".join(presets()), help="options to begin with (see: charrnn presets)")


def given(args: Namespace, kind: Kind) -> dict[str, str]:
    """Return the options of a kind that were typed."""
    return {name: getattr(args, name) for name in options(kind) if hasattr(args, name)}


def check_training(args: Namespace) -> None:
    """Refuse wrong options before a text is read, which can take a while.

    Raises:
        OptionError: Some are wrong, there is no such preset, or it knows no time budget.
    """
    from charrnn.services.choosing import checked_request

    checked_request(given(args, "training"), preset_name=args.preset, minutes=args.minutes)


def training_options(args: Namespace, *, num_characters: int, num_distinct: int) -> dict[str, Value]:
    """Return all training options for a text, as minutes, preset and flags set them.

    Raises:
        OptionError: Some are wrong, there is no such preset, or it knows no time budget.
    """
    from charrnn.services import choosing

    text = {"num_characters": num_characters, "num_distinct": num_distinct}
    return choosing.training_options(given(args, "training"), **text, preset_name=args.preset, minutes=args.minutes)


def tell_choice(args: Namespace, values: Mapping[str, Value], cost: "Estimate") -> None:
    """Show what Auto has chosen, as flags that the user can type to change it; nothing where it was not asked."""
    if args.minutes is None and not (args.preset and presets()[args.preset].minutes):
        return
    typed, usual = given(args, "training"), defaults("training")
    chosen = [
        f"--{name} {_spelled(value)}"
        for name, value in values.items()
        if (value != usual[name] or name in ALWAYS_TOLD) and name not in typed
    ]
    allowed, needed = (formatting.duration(60 * float(time)) for time in (values["max_minutes"], cost.minutes))
    notice(
        f"Options that Auto chose for this text, this machine and {allowed} (about {needed} needed); any can be set:"
    )
    notice(textwrap.fill(" ".join(chosen), 100, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False))


def _spelled(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else json.dumps(value).strip('"')


def _help(option: Option) -> str:
    default = json.dumps(option.default).strip('"') or "empty"
    allowed = "" if option.choices or option.type in ("boolean", "string") else f" {option.allowed.capitalize()}."
    return f"{option.help}{allowed} Default: {default}."
