"""Look inside a network: which units follow quotes, brackets or lines (`charrnn inside`)."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.color import Color
from rich.progress import BarColumn, Progress, TextColumn
from rich.style import Style
from rich.text import Text

from charrnn.cli.checkpoint_argument import LOADING_MESSAGE, add_checkpoint, checked_checkpoint
from charrnn.cli.command_base import DONE, Command, UsageError, add_json, add_model, services_for
from charrnn.cli.terminal_output import console, echo, hint, notice, print_json, visible
from charrnn.cli.text_input import add_encoding_flags, open_text
from charrnn.core.insight.findings import Activations
from charrnn.core.insight.grapheme_clusters import cluster_lengths
from charrnn.core.insight.regular_expression import regex_feature
from charrnn.core.insight.text_features import FEATURES, feature_named
from charrnn.core.insight.unit import Unit
from charrnn.core.text_decoding import decode, resolve_encoding

if TYPE_CHECKING:
    from charrnn.services import Services
    from charrnn.services.inside import Neurons

BELOW, ABOVE = (31, 119, 180), (255, 127, 14)
"""Colors of activations below and above the median: blue and orange, which color-blind people can tell apart."""


def _flags(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("--feature", metavar="FEATURE", help=f"search for one feature: {', '.join(FEATURES)}")
    parser.add_argument(
        "--regex", metavar="RE", help='search for the unit that follows a regular expression, e.g. \'"([^"]*)"\''
    )
    parser.add_argument("--unit", metavar="LAYER:N", help="color a text by the activation of a unit, e.g. 5:28")
    parser.add_argument("--file", metavar="FILE", help="the text to read, instead of the model's validation text")
    add_checkpoint(parser)
    add_encoding_flags(parser)
    add_json(parser)


def _inside(args: Namespace) -> int:
    selected = [f"--{name}" for name in ("feature", "regex", "unit") if getattr(args, name) is not None]
    if len(selected) > 1:
        raise UsageError(f"{' and '.join(selected)} exclude each other; give one of them, or none to search for all.")
    unit = None if args.unit is None else Unit.parse(args.unit)
    if args.feature is not None:
        feature_named(args.feature)
    if args.regex is not None:
        regex_feature(args.regex)
    with services_for(args) as services:
        model = services.models.resolve(args.name)
        checkpoint = checked_checkpoint(args, services, model)
        text = None if args.file is None else _read(args)
        hint(LOADING_MESSAGE)
        with _progress() as progress:
            common: dict[str, Any] = {"checkpoint": checkpoint, "text": text, "progress": progress}
            if unit is None:
                result = _search(services, model.id, args, common)
            else:
                activations = services.inside.activations(model.id, unit, **common)
    if unit is not None:
        _print_activations(activations, as_json=args.json)
    elif args.json:
        print_json(_document(model.name, result))
    else:
        _print_findings(result)
    return DONE


def _search(services: "Services", model_id: str, args: Namespace, common: dict[str, Any]) -> "Neurons":
    if args.feature is None and args.regex is None:
        return services.inside.neurons(model_id, **common)
    return services.inside.feature(model_id, args.feature or "", regex=args.regex or "", **common)


def _read(args: Namespace) -> str:
    with open_text(args.file) as (file, _):
        encoding = resolve_encoding(file, args.encoding).encoding
        return "".join(decode(file, encoding=encoding, newlines=args.newlines or "lf"))


@contextmanager
def _progress() -> Iterator[Callable[[float], None]]:
    """Yield a function that shows the completed fraction on standard error, if that is a terminal."""
    columns = (TextColumn("[dim]reading and searching"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    screen = console(sys.stderr)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda done: bar.update(task, completed=done)


def _print_findings(result: "Neurons") -> None:
    for problem in result.problems:
        notice(f"warning: {problem}")
    for finding in result.findings:
        echo(finding.sentence())
        for line in finding.details():
            echo(f"    {line}")
    echo("")
    echo(
        f"{result.source.capitalize()}, {result.num_characters:,} characters; {result.checkpoint.kind} checkpoint, "
        f"step {result.checkpoint.step:,}. Color a text by a unit: --unit LAYER:NUMBER"
    )


def _document(name: str, result: "Neurons") -> dict[str, object]:
    checkpoint = result.checkpoint
    return {
        "model": name,
        "checkpoint": {"id": checkpoint.id, "kind": checkpoint.kind, "step": checkpoint.step},
        "source": result.source,
        "num_characters": result.num_characters,
        "num_units": len(result.layout),
        "findings": [
            finding.to_json() | {"sentence": finding.sentence(), "details": finding.details()}
            for finding in result.findings
        ],
    }


def _print_activations(activations: Activations, *, as_json: bool) -> None:
    if as_json:
        values = [float(f"{value:.5g}") for value in activations.values]
        print_json({"unit": str(activations.unit), "text": activations.text, "activations": values}, indent=None)
        return
    echo(f"{activations.unit.title}: blue below its median, orange above; underlined where it is extreme")
    console().print(colored(activations), soft_wrap=True)


def colored(activations: Activations) -> Text:
    """Return the text with each displayed character on a background for its activation."""
    result = Text()
    scaled = activations.scaled()
    start = 0
    for length in cluster_lengths(activations.text):
        value = float(scaled[start + length - 1])
        shown = visible(activations.text[start : start + length], lines=True)
        result.append(shown, _style(value))
        start += length
    return result


def _style(value: float) -> Style:
    """Return the style of a scaled activation: the further from 0, the more of the color."""
    target, share = (ABOVE if value > 0 else BELOW), min(abs(value), 1.0)
    if share < 0.05:
        return Style()
    red, green, blue = (round(255 + (part - 255) * share) for part in target)
    return Style(color="black", bgcolor=Color.from_rgb(red, green, blue), underline=abs(value) > 1)


COMMANDS = (
    Command(
        "inside", "Look inside", "NAME [--feature FEATURE | --regex RE | --unit LAYER:N]",
        "find the hidden units that follow quotes, lines, …", _flags, _inside,
    ),
)  # fmt: skip
