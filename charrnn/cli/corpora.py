"""`charrnn check` and `charrnn examples`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping
from typing import Any

from charrnn.cli.command import DONE, FAILED, Command, add_json
from charrnn.cli.option_flags import add_options, add_preset, check_training, tell_choice, training_options
from charrnn.cli.terminal_output import print_facts, print_json, print_table, say, visible
from charrnn.cli.text_input import add_reading, opened_text
from charrnn.core import formatting
from charrnn.core.errors import TextError
from charrnn.core.text_decoding import analyze
from charrnn.core.text_report import TextReport

WIDTH = 78
"""Characters of a first line that are shown."""


def _check_flags(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the text; - reads standard input")
    add_reading(parser)
    add_json(parser)
    add_preset(parser)
    add_options(parser, "training")


def _check(args: Namespace) -> int:
    check_training(args)
    with opened_text(args.file) as (file, name):
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
        say("\nfirst lines:")
        for line in report.first_lines:
            say("  " + visible(line[:WIDTH]) + (" …" if len(line) > WIDTH else ""))
        for remark in report.remarks:
            say(f"\nnote: {remark}")
        say("")
        if cost:
            _print_cost(report, values, cost)
            tell_choice(args, values, cost)
        for problem in problems:
            say(f"It cannot be trained on: {problem}")
    return FAILED if problems else DONE


def _cost(report: TextReport, values: Mapping[str, Any]) -> Any:
    from charrnn.services.cost_estimate import estimate

    return estimate(values, num_characters=report.num_characters, num_distinct=report.num_distinct)


def _facts(report: TextReport) -> dict[str, str]:
    sure = "certain" if report.certain else "a guess"
    ends = ", ".join(f"{number:,} {kind.upper()}" for kind, number in report.line_endings.items() if number)
    return {
        "text": report.name,
        "size": formatting.size(report.num_bytes),
        "characters": f"{report.num_characters:,}",
        "different": f"{report.num_distinct:,}",
        "lines": f"{report.num_lines:,}",
        "encoding": f"{report.encoding} ({sure}: {report.reason})",
        "or else": ", ".join(report.alternatives),
        "line ends": ends or "none",
        "frequent": _characters(report.frequent[:20]),
        "rare": _characters(report.rare[:20]),
    }


def _characters(counted: Iterable[tuple[str, int]]) -> str:
    return "  ".join(f"{_shown(character)} {number:,}" for character, number in counted)


def _shown(character: str) -> str:
    return {" ": "space", "\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character, visible(character))


def _print_cost(report: TextReport, values: Mapping[str, Any], cost: Any) -> None:
    unknown = report.num_distinct - int(values["max_vocab"])
    if unknown > 0:
        say(f"note: {unknown:,} rare characters are not learned; --max_vocab {report.num_distinct} learns all.")
    say(
        f"It can be trained on. With these options: {cost.num_parameters:,} weights, "
        f"{formatting.size(cost.memory_bytes)} of memory, {cost.steps_per_epoch:,} steps a pass over the text, "
        f"{cost.total_steps:,} steps = {cost.passes:,.1f} passes, about {formatting.duration(60 * cost.minutes)} here."
    )


def _examples(args: Namespace) -> int:
    from charrnn.services.example_texts import examples

    found = examples()
    if args.json:
        print_json(found)
    else:
        print_table(
            ["name", "title", "what it is"],
            [[example.name, example.title, example.missing or example.description] for example in found],
        )
    return DONE


COMMANDS = (
    Command(
        "check",
        "Texts",
        "FILE [options]",
        "tell what a text is like and whether it can be trained on",
        _check_flags,
        _check,
    ),
    Command("examples", "Texts", "[--json]", "list texts to begin with", add_json, _examples),
)
