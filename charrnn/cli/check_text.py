"""Analyze a text (`charrnn check`) and list the example texts (`charrnn examples`)."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping
from typing import Any

from charrnn.cli.command_base import DONE, FAILED, Command, add_json
from charrnn.cli.option_flags import (
    add_options,
    add_preset,
    check_training_options,
    print_auto_options,
    training_options,
)
from charrnn.cli.terminal_output import echo, print_facts, print_json, print_table, visible
from charrnn.cli.text_input import add_encoding_flags, open_text
from charrnn.core import formatting
from charrnn.core.errors import TextError
from charrnn.core.text_decoding import analyze
from charrnn.core.text_report import TextReport

WIDTH = 78
"""Maximum length of a line in the preview, in characters."""


def _check_flags(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the text; - reads standard input")
    add_encoding_flags(parser)
    add_json(parser)
    add_preset(parser)
    add_options(parser, "training")


def _check(args: Namespace) -> int:
    check_training_options(args)
    with open_text(args.file) as (file, name):
        report = analyze(file, encoding=args.encoding, newlines=args.newlines or "lf", name=name)
    problems, cost = list(report.problems), None
    values: Mapping[str, Any] = {}
    if not problems:
        values = training_options(args, num_characters=report.num_characters, num_distinct=report.num_distinct)
        try:
            cost = _cost(report, values)
        except TextError as error:
            problems.append(str(error))
    if args.json:
        print_json({"text": report, "trainable": not problems, "problems": problems, "cost": cost})
    else:
        print_facts(_facts(report))
        echo("\npreview:")
        for line in report.first_lines:
            echo("  " + visible(line[:WIDTH]) + (" …" if len(line) > WIDTH else ""))
        for remark in report.remarks:
            echo(f"\nnote: {remark}")
        echo("")
        if cost:
            _print_cost(report, values, cost)
            print_auto_options(args, values, cost)
        for problem in problems:
            echo(f"This text cannot be trained on: {problem}")
    return FAILED if problems else DONE


def _cost(report: TextReport, values: Mapping[str, Any]) -> Any:
    from charrnn.services.cost_estimate import estimate

    return estimate(values, num_characters=report.num_characters, num_distinct=report.num_distinct)


def _facts(report: TextReport) -> dict[str, str]:
    certainty = "certain" if report.certain else "detected"
    line_endings = ", ".join(f"{number:,} {kind.upper()}" for kind, number in report.line_endings.items() if number)
    return {
        "text": report.name,
        "size": formatting.size(report.num_bytes),
        "characters": f"{report.num_characters:,}",
        "distinct characters": f"{report.num_distinct:,}",
        "lines": f"{report.num_lines:,}",
        "encoding": f"{report.encoding} ({certainty}: {report.reason})",
        "alternatives": ", ".join(report.alternatives),
        "line endings": line_endings or "none",
        "frequent": _counts(report.frequent[:20]),
        "rare": _counts(report.rare[:20]),
    }


def _counts(counted: Iterable[tuple[str, int]]) -> str:
    return "  ".join(f"{_display_name(character)} {number:,}" for character, number in counted)


def _display_name(character: str) -> str:
    return {" ": "space", "\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character, visible(character))


def _print_cost(report: TextReport, values: Mapping[str, Any], cost: Any) -> None:
    unknown = report.num_distinct - int(values["max_vocab"])
    if unknown > 0:
        echo(f"note: {unknown:,} rare characters are not learned; to learn all, set --max_vocab {report.num_distinct}.")
    echo(
        f"This text can be trained on. With these options: {cost.num_parameters:,} parameters, "
        f"{formatting.size(cost.memory_bytes)} of memory, {cost.steps_per_epoch:,} steps per epoch, "
        f"{cost.total_steps:,} steps = {cost.epochs:,.1f} epochs, about {formatting.duration(60 * cost.minutes)} on "
        f"this machine."
    )


def _examples(args: Namespace) -> int:
    from charrnn.services.example_texts import examples

    all_examples = examples()
    if args.json:
        print_json(all_examples)
    else:
        print_table(
            ["name", "title", "description"],
            [[example.name, example.title, example.missing or example.description] for example in all_examples],
        )
    return DONE


COMMANDS = (
    Command(
        "check",
        "Texts",
        "FILE [options]",
        "analyze a text and estimate the cost of training on it",
        _check_flags,
        _check,
    ),
    Command("examples", "Texts", "[--json]", "list the example texts", add_json, _examples),
)
