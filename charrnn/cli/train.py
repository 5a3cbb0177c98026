"""Start, resume and stop trainings (`charrnn train`, `resume` and `stop`)."""

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from rich.progress import Progress

from charrnn.cli.command_base import DONE, FAILED, Command, UsageError, add_model, format_command, services_for
from charrnn.cli.detached_training import start_detached
from charrnn.cli.option_flags import (
    add_options,
    add_preset,
    check_training_options,
    print_auto_options,
    training_options,
    typed_options,
)
from charrnn.cli.progress_line import ProgressLine
from charrnn.cli.terminal_output import console, hint, notice
from charrnn.cli.text_input import add_encoding_flags, open_text
from charrnn.cli.training_monitor import watch
from charrnn.core.batches import check_length
from charrnn.core.errors import NameTaken, NotFound, StateError, StudioError
from charrnn.core.options import checked
from charrnn.core.records import ACTIVE, Corpus, Model
from charrnn.core.text_report import TextReport

if TYPE_CHECKING:
    from charrnn.services import Services


def _train_flags(parser: ArgumentParser) -> None:
    text = parser.add_argument_group("Text").add_mutually_exclusive_group(required=True)
    text.add_argument("--input_file", metavar="FILE", help="text to train on; - reads standard input")
    text.add_argument("--corpus", metavar="ID|NAME", help="a stored text")
    text.add_argument("--example", metavar="NAME", help="an example text (see: charrnn examples)")
    add_encoding_flags(parser)
    parser.add_argument("--name", metavar="NAME", help="name of the model; derived from the text's name if missing")
    parser.add_argument(
        "--replace",
        action="store_true",
        help="delete an existing model of this name first; it can be restored",
    )
    _add_detach(parser)
    add_preset(parser)
    add_options(parser, "training")


def _add_detach(parser: ArgumentParser) -> None:
    parser.add_argument("--detach", action="store_true", help="train in the background; return once it is queued")


def _train(args: Namespace) -> int:
    if not args.input_file and (args.encoding or args.newlines):
        raise UsageError("--encoding and --newlines apply to --input_file only. Remove them.")
    check_training_options(args)
    with services_for(args) as services:
        replaced = _replaced_model(args, services)
        corpus = _load_corpus(args, services)
        values = training_options(args, num_characters=corpus.num_characters, num_distinct=corpus.num_distinct)
        check_length(corpus.num_characters, int(values["num_seqs"]), int(values["num_steps"]))
        if replaced:
            services.models.delete(replaced.id)
        if args.detach:
            return _train_detached(args, services, corpus, values)
        return watch(
            args,
            services,
            _create_progress_line(values, corpus, args),
            lambda listener: services.training.start(corpus, name=args.name, options=values, listeners=[listener]),
        )


def _train_detached(
    args: Namespace, services: "Services", corpus: Corpus, values: dict[str, bool | int | float | str]
) -> int:
    name = services.models.free_name(corpus.name) if args.name is None else args.name
    model = services.models.create(name, corpus=corpus, options=values)
    try:
        return start_detached(args, services, model)
    except StudioError:
        services.models.purge(model.id)
        raise


def _replaced_model(args: Namespace, services: "Services") -> Model | None:
    """Return the model that `--replace` replaces, if any; reject a taken name before a large text is read."""
    if args.name is None:
        return None
    try:
        model = services.models.resolve(args.name)
    except NotFound:
        return None
    if not args.replace:
        raise NameTaken(
            f"The model {model.name!r} exists already ({model.state}, step {model.step:,}). Resume its training with "
            f"`{format_command(args, 'resume', model.name)}`, choose another --name, or start over with --replace."
        )
    return model


def _load_corpus(args: Namespace, services: "Services") -> Corpus:
    if args.corpus:
        return services.corpora.resolve(args.corpus)
    with Progress(console=console(sys.stderr), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("reading the text", total=1.0)

        def show_progress(fraction: float) -> None:
            bar.update(task, completed=fraction)

        if args.example:
            corpus, report = services.corpora.add_example(args.example, progress=show_progress)
        else:
            with open_text(args.input_file) as (file, name):
                corpus, report = services.corpora.add(
                    file, name=name, encoding=args.encoding, newlines=args.newlines or "lf", progress=show_progress
                )
    _print_text_summary(report)
    return corpus


def _print_text_summary(report: TextReport) -> None:
    notice(
        f"text: {report.name}, {report.num_characters:,} characters, {report.num_distinct:,} distinct, "
        f"{report.encoding} ({report.reason})"
    )
    for remark in report.remarks:
        notice(f"  {remark}")


def _create_progress_line(
    values: dict[str, bool | int | float | str], corpus: Corpus, args: Namespace | None = None
) -> ProgressLine:
    from charrnn.services.cost_estimate import estimate

    cost = estimate(values, num_characters=corpus.num_characters, num_distinct=corpus.num_distinct)
    if args:
        print_auto_options(args, values, cost)
    return ProgressLine(
        cost.total_steps,
        max_minutes=float(values["max_minutes"]),
        characters=int(values["num_seqs"]) * int(values["num_steps"]),
    )


def _resume_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    _add_detach(parser)
    add_options(parser, "training")


def _resume(args: Namespace) -> int:
    changes = typed_options(args, "training")
    with services_for(args) as services:
        model = services.models.resolve(args.name)
        values = checked("training", changes, base=model.train_params)
        if model.corpus_id is None:
            raise StateError(
                f"The model {model.name!r} has no text to train on. Train a new model: charrnn train --help"
            )
        corpus = services.corpora.get(model.corpus_id)
        progress = _create_progress_line(values, corpus)
        if model.state not in ACTIVE and not services.training.can_resume(model.id):
            notice("This model has no checkpoint yet; its training starts at the first step.")
            services.models.set_options(model.id, values)
            if args.detach:
                return start_detached(args, services, model)
            return watch(
                args, services, progress, lambda listener: services.training.begin(model.id, listeners=[listener])
            )
        if args.detach:
            return start_detached(args, services, model, changes=changes)
        return watch(
            args,
            services,
            progress,
            lambda listener: services.training.resume(model.id, options=changes, listeners=[listener]),
        )


def _stop_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument(
        "--wait", type=float, default=60.0, metavar="SECONDS", help="maximum time to wait for the end (default 60)"
    )


def _stop(args: Namespace) -> int:
    with services_for(args) as services:
        model = services.training.stop(services.models.resolve(args.name).id)
        hint("stopping after the current step and saving a checkpoint …")
        model = services.training.wait(model.id, timeout=args.wait)
        if model.state in ACTIVE:
            notice(
                f"charrnn: The training of {model.name!r} has not ended yet. It will stop after the current step, if "
                f"its worker is running. Check with: {format_command(args, 'show', model.name)}"
            )
            return FAILED
        resume = format_command(args, "resume", model.name)
        notice(f"{model.state.capitalize()} at step {model.step:,}. Resume with: {resume}")
    return DONE


COMMANDS = (
    Command(
        "train",
        "Train",
        "(--input_file FILE | --example NAME | --corpus ID) [--name NAME] [options]",
        "train a new model on a text",
        _train_flags,
        _train,
    ),
    Command("resume", "Train", "NAME [options to change]", "resume a training", _resume_flags, _resume),
    Command("stop", "Train", "NAME", "stop a training after saving a checkpoint", _stop_flags, _stop),
)
