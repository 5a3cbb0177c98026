"""Report how much of a text is copied from a model's training text (`charrnn copies`)."""

from argparse import ArgumentParser, Namespace
from dataclasses import fields
from typing import TYPE_CHECKING

from charrnn.cli.checkpoint_argument import LOADING_MESSAGE
from charrnn.cli.command_base import DONE, Command, UsageError, add_json, add_model, services_for
from charrnn.cli.slow_progress import slow_progress
from charrnn.cli.terminal_output import echo, hint, print_json, print_table, visible
from charrnn.cli.text_input import add_encoding_flags, read_text
from charrnn.core import formatting
from charrnn.core.copies import SEED

if TYPE_CHECKING:
    from charrnn.services.text_copies import CopyReport, Extraction

SHOWN_STRETCHES = 20
"""Number of copied stretches in the table; --json contains all of them."""
WIDTH = 60
"""Maximum number of characters of a stretch in the table."""


def _copies_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("file", metavar="FILE", help="the text; - reads standard input")
    parser.add_argument(
        "--min_length",
        "--min-length",
        type=int,
        metavar="N",
        help=f"characters from which a stretch counts as copied, at least {SEED}; default: the shortest length at "
        f"which at most 1 %% of the validation split is copied",
    )
    parser.add_argument(
        "--extraction",
        action="store_true",
        help="also test how often the model continues its training text exactly (loads the network)",
    )
    add_encoding_flags(parser)
    add_json(parser)


def _copies(args: Namespace) -> int:
    if args.min_length is not None and args.min_length < SEED:
        raise UsageError(f"--min_length is {args.min_length}; shorter copies than {SEED} characters are not searched.")
    extraction = None
    with services_for(args) as services, slow_progress("searching the training text") as progress:
        model = services.models.resolve(args.name)
        text, encoding = read_text(args)
        report = services.copies.find(model.id, text, min_length=args.min_length, progress=progress)
        if args.extraction:
            hint(LOADING_MESSAGE)
            _, extraction = services.copies.extract(model.id)
    if args.json:
        result = {field.name: getattr(report, field.name) for field in fields(report)}
        print_json({"model": model.name, "encoding": encoding, **result, "extraction": extraction}, indent=None)
    else:
        _print(report, extraction)
    return DONE


def _print(report: "CopyReport", extraction: "Extraction | None") -> None:
    echo(formatting.copies_summary(report.share, report.min_length, report.unseen_share))
    if report.num_unknown:
        echo(f"{report.num_unknown:,} of {report.num_characters:,} characters are not in the vocabulary.")
    echo("")
    print_table(
        ["stretches of", "of this text", "of unseen text"],
        [
            [f"≥ {length}", formatting.percent(share), formatting.percent(report.unseen_curve.get(length))]
            for length, share in report.curve.items()
        ],
        right={"stretches of", "of this text", "of unseen text"},
    )
    if report.stretches:
        echo("")
        longest = sorted(report.stretches, key=lambda stretch: -stretch.length)[:SHOWN_STRETCHES]
        print_table(
            ["length", "at", "line of the source", "text"],
            [[str(each.length), f"{each.start:,}", f"{each.line:,}", visible(each.text[:WIDTH])] for each in longest],
            right={"length", "at", "line of the source"},
        )
    if extraction is not None:
        echo("")
        echo(_extraction(extraction))


def _extraction(extraction: "Extraction") -> str:
    unseen = f", {extraction.unseen_exact} of {extraction.num_unseen_prompts} of its unseen text"
    return (
        f"Greedy continuations of 50 characters that are exact: {extraction.exact} of {extraction.num_prompts} prompts "
        f"of its training text{unseen if extraction.num_unseen_prompts else ''}"
    )


COMMANDS = (
    Command(
        "copies",
        "Write",
        "NAME FILE",
        "report how much of a text is copied from the training text",
        _copies_flags,
        _copies,
    ),
)
