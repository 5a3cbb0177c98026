"""`charrnn train`, `resume` and `stop`."""

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from rich.progress import Progress

from charrnn.cli.command import DONE, FAILED, Command, UsageError, add_model, opened, typed
from charrnn.cli.option_flags import add_options, add_preset, check_training, given, tell_choice, training_options
from charrnn.cli.progress_line import ProgressLine
from charrnn.cli.terminal_output import console, hint, notice
from charrnn.cli.text_input import add_reading, opened_text
from charrnn.cli.training_monitor import watch
from charrnn.core.batches import check_length
from charrnn.core.errors import NameTaken, NotFound, StateError
from charrnn.core.options import checked
from charrnn.core.records import ACTIVE, Corpus, Model
from charrnn.core.text_report import TextReport

if TYPE_CHECKING:
    from charrnn.services import Services


def _train_flags(parser: ArgumentParser) -> None:
    text = parser.add_argument_group("Text").add_mutually_exclusive_group(required=True)
    text.add_argument("--input_file", metavar="FILE", help="text to learn from; - reads standard input")
    text.add_argument("--corpus", metavar="ID|NAME", help="a text that was brought in before")
    text.add_argument("--example", metavar="NAME", help="an example text (see: charrnn examples)")
    add_reading(parser)
    parser.add_argument("--name", metavar="NAME", help="what to call the model; made from the text's name if missing")
    parser.add_argument(
        "--replace",
        action="store_true",
        help="take the place of a model that has this name; it is set aside, as by charrnn delete",
    )
    add_preset(parser)
    add_options(parser, "training")


def _train(args: Namespace) -> int:
    if not args.input_file and (args.encoding or args.newlines):
        raise UsageError("--encoding and --newlines say how to read --input_file; they do nothing to other texts.")
    check_training(args)
    with opened(args) as services:
        replaced = _model_in_the_way(args, services)
        corpus = _text(args, services)
        values = training_options(args, num_characters=corpus.num_characters, num_distinct=corpus.num_distinct)
        check_length(corpus.num_characters, int(values["num_seqs"]), int(values["num_steps"]))
        if replaced:
            services.models.delete(replaced.id)
        return watch(
            args,
            services,
            _line(values, corpus, args),
            lambda listener: services.training.start(corpus, name=args.name, options=values, listeners=[listener]),
        )


def _model_in_the_way(args: Namespace, services: "Services") -> Model | None:
    """Return the model that `--replace` replaces; refuse a taken name before a large text is read."""
    if args.name is None:
        return None
    try:
        model = services.models.resolve(args.name)
    except NotFound:
        return None
    if not args.replace:
        raise NameTaken(
            f"There is a model {model.name!r} already ({model.state}, step {model.step:,}). Go on with it: "
            f"{typed(args, 'resume', model.name)}; or choose another --name; or begin anew with --replace."
        )
    return model


def _text(args: Namespace, services: "Services") -> Corpus:
    if args.corpus:
        return services.corpora.resolve(args.corpus)
    with Progress(console=console(sys.stderr), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("reading the text", total=1.0)

        def show(share: float) -> None:
            bar.update(task, completed=share)

        if args.example:
            corpus, report = services.corpora.add_example(args.example, progress=show)
        else:
            with opened_text(args.input_file) as (file, name):
                corpus, report = services.corpora.add(
                    file, name=name, encoding=args.encoding, newlines=args.newlines or "lf", progress=show
                )
    _tell_text(report)
    return corpus


def _tell_text(report: TextReport) -> None:
    notice(
        f"text: {report.name}, {report.num_characters:,} characters, {report.num_distinct:,} different, "
        f"{report.encoding} ({report.reason})"
    )
    for remark in report.remarks:
        notice(f"  {remark}")


def _line(values: dict[str, bool | int | float | str], corpus: Corpus, args: Namespace | None = None) -> ProgressLine:
    from charrnn.services.cost_estimate import estimate

    cost = estimate(values, num_characters=corpus.num_characters, num_distinct=corpus.num_distinct)
    if args:
        tell_choice(args, values, cost)
    return ProgressLine(
        cost.total_steps,
        max_minutes=float(values["max_minutes"]),
        characters=int(values["num_seqs"]) * int(values["num_steps"]),
    )


def _resume_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    add_options(parser, "training")


def _resume(args: Namespace) -> int:
    changes = given(args, "training")
    with opened(args) as services:
        model = services.models.resolve(args.name)
        values = checked("training", changes, base=model.train_params)
        if model.corpus_id is None:
            raise StateError(f"The model {model.name!r} has no text yet. Train a new one: charrnn train --help")
        corpus = services.corpora.get(model.corpus_id)
        line = _line(values, corpus)
        if model.state not in ACTIVE and not services.training.can_resume(model.id):
            notice("No checkpoint of this model was written yet: its training begins at the first step.")
            services.models.set_options(model.id, values)
            return watch(args, services, line, lambda tell: services.training.begin(model.id, listeners=[tell]))
        return watch(
            args,
            services,
            line,
            lambda listener: services.training.resume(model.id, options=changes, listeners=[listener]),
        )


def _stop_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument(
        "--wait", type=float, default=60.0, metavar="SECONDS", help="how long to wait for the end (default 60)"
    )


def _stop(args: Namespace) -> int:
    with opened(args) as services:
        model = services.training.stop(services.models.resolve(args.name).id)
        hint("Asked it to save and end after the step under way …")
        model = services.training.wait(model.id, timeout=args.wait)
        if model.state in ACTIVE:
            notice(
                f"charrnn: {model.name!r} has not ended yet; it will after the step under way, when its worker runs."
            )
            return FAILED
        notice(f"{model.state.capitalize()} at step {model.step:,}. Go on with: {typed(args, 'resume', model.name)}")
    return DONE


COMMANDS = (
    Command(
        "train",
        "Train",
        "(--input_file FILE | --example NAME | --corpus ID) [--name NAME] [options]",
        "make a model from a text and train it",
        _train_flags,
        _train,
    ),
    Command("resume", "Train", "NAME [options to change]", "go on with a training", _resume_flags, _resume),
    Command("stop", "Train", "NAME", "end a training that runs elsewhere; it saves first", _stop_flags, _stop),
)
