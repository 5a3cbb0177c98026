"""Create command-line flags from the options schema and read training options from them."""

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

ALWAYS_PRINTED = "lstm_size", "num_layers"
"""Options chosen by Auto that are printed even if they equal the default."""
METAVARS = {"integer": "N", "number": "X", "boolean": "true|false", "string": "TEXT"}


def add_options(parser: ArgumentParser, kind: Kind) -> None:
    """Add a flag for each option of a kind, grouped as in the dashboard's forms.

    Values stay strings: `charrnn.core.options.checked` converts them and reports all invalid ones at once.
    """
    groups: dict[str, Any] = {}
    for option in options(kind).values():
        if option.group not in groups:
            groups[option.group] = parser.add_argument_group(option.group)
        groups[option.group].add_argument(
            f"--{option.name}",
            metavar="|".join(option.choices) or METAVARS[option.type],
            default=SUPPRESS,
            help=_help_text(option).replace("%", "%%"),
        )


def add_preset(parser: ArgumentParser) -> None:
    """Add the flags `--minutes` and `--preset`."""
    parser.add_argument(
        "--minutes",
        metavar="X",
        help="time budget; Auto chooses all other options for the text, this time and this machine",
    )
    parser.add_argument("--preset", metavar="|".join(presets()), help="options to start with (see: charrnn presets)")


def typed_options(args: Namespace, kind: Kind) -> dict[str, str]:
    """Return the options of a kind that are on the command line, as strings."""
    return {name: getattr(args, name) for name in options(kind) if hasattr(args, name)}


def check_training_options(args: Namespace) -> None:
    """Validate the training options as far as possible before a text, which may be large, is read.

    Raises:
        OptionError: An option is invalid, the preset is unknown, or it has no time budget.
    """
    from charrnn.services.training_options import check_request

    check_request(typed_options(args, "training"), preset_name=args.preset, minutes=args.minutes)


def training_options(args: Namespace, *, num_characters: int, num_distinct: int) -> dict[str, Value]:
    """Return all training options for a text, from `--minutes`, `--preset` and the option flags.

    Raises:
        OptionError: An option is invalid, the preset is unknown, or it has no time budget.
    """
    from charrnn.services.training_options import training_options as options_for_text

    return options_for_text(
        typed_options(args, "training"),
        num_characters=num_characters,
        num_distinct=num_distinct,
        preset_name=args.preset,
        minutes=args.minutes,
    )


def print_auto_options(args: Namespace, values: Mapping[str, Value], cost: "Estimate") -> None:
    """Print the options chosen by Auto as flags that the user can change; print nothing if Auto was not used."""
    if args.minutes is None and not (args.preset and presets()[args.preset].minutes):
        return
    typed, default_values = typed_options(args, "training"), defaults("training")
    chosen = [
        f"--{name} {_format_value(value)}"
        for name, value in values.items()
        if (value != default_values[name] or name in ALWAYS_PRINTED) and name not in typed
    ]
    budget, needed = (formatting.duration(60 * float(minutes)) for minutes in (values["max_minutes"], cost.minutes))
    notice(
        f"Auto chose these options for this text, this machine and {budget} (about {needed} needed). "
        f"Set any of them to change it:"
    )
    notice(textwrap.fill(" ".join(chosen), 100, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False))


def _format_value(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else json.dumps(value).strip('"')


def _help_text(option: Option) -> str:
    default = json.dumps(option.default).strip('"') or "empty"
    allowed = "" if option.choices or option.type in ("boolean", "string") else f" {option.allowed.capitalize()}."
    return f"{option.help}{allowed} Default: {default}."
