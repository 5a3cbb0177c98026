"""`charrnn sample` and `charrnn score`."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from charrnn.cli.command import DONE, Command, UsageError, add_json, add_model, opened, output_path
from charrnn.cli.option_flags import add_options, given
from charrnn.cli.terminal_output import as_json, for_stream, hint, notice, print_json, say
from charrnn.cli.text_input import add_reading, opened_text
from charrnn.core import formatting
from charrnn.core.atomic_files import atomic_file
from charrnn.core.generated_text import GeneratedText, TextChunk, join_chunks
from charrnn.core.options import checked
from charrnn.core.records import Model
from charrnn.core.text_decoding import decode, resolve_encoding

if TYPE_CHECKING:
    from charrnn.services import Services
    from charrnn.services.text_generation import Stream

LOADING = "loading TensorFlow and the network …"


def _add_checkpoint(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoint",
        default="best",
        metavar="best|last",
        help="what to use: best (default) has the lowest loss, last is the newest; or a checkpoint's id",
    )


def _checked_checkpoint(args: Namespace, services: "Services", model: Model) -> str:
    known = ["best", "last", *(checkpoint.id for checkpoint in services.models.checkpoints(model.id))]
    if args.checkpoint not in known:
        raise UsageError(f"There is no checkpoint {args.checkpoint!r}; take one of {', '.join(known)}.")
    return str(args.checkpoint)


def _sample_flags(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="NAME", nargs="?", help="the model")
    parser.add_argument("--name", metavar="NAME", help="the model, as for charrnn train")
    _add_checkpoint(parser)
    parser.add_argument("--output", metavar="FILE", help="write to this file (UTF-8) instead of standard output")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print JSON with the log-probability of each character and the likeliest alternatives to it",
    )
    add_options(parser, "sampling")


def _sample(args: Namespace) -> int:
    names = {name for name in (args.model, args.name) if name is not None}
    if len(names) != 1:
        came = "two models" if names else "no model"
        raise UsageError(f"The command names {came}; name one, e.g. charrnn sample shakespeare (see: charrnn models).")
    values = checked("sampling", given(args, "sampling"))
    with opened(args) as services, _sink(args) as write:
        model = services.models.resolve(names.pop())
        checkpoint = _checked_checkpoint(args, services, model)
        hint(LOADING)
        stream = services.writing.stream(model.id, values, checkpoint=checkpoint, alternatives=args.json)
        for problem in stream.problems:
            notice(f"warning: {problem}")
        pieces: list[TextChunk] = []
        for text in _in_order(stream, pieces):
            if not args.json:
                write(text)
        texts = join_chunks(stream.prompt, pieces, int(stream.options["num_samples"]))
        if args.json:
            write(as_json(_document(model.name, stream, texts)) + "\n")
        for whole in texts:
            services.writing.keep(stream, whole)
        hint(
            f"{model.name}, {stream.checkpoint.kind} checkpoint, step {stream.checkpoint.step:,}, "
            f"seed {stream.options['seed']}"
        )
    return DONE


@contextmanager
def _sink(args: Namespace) -> Iterator[Callable[[str], None]]:
    """Yield what takes the text as it is written; a terminal gets a line end behind it, files and pipes do not."""
    if args.output is None:
        yield _write_out
        if sys.stdout.isatty() and not args.json:
            _write_out("\n")
        return
    with atomic_file(output_path(args.output)) as file:
        yield lambda text: _write_bytes(file.write, text)


def _write_out(text: str) -> None:
    sys.stdout.write(for_stream(text, sys.stdout))
    sys.stdout.flush()


def _write_bytes(write: Callable[[bytes], object], text: str) -> None:
    write(text.encode())


def _in_order(stream: "Stream", pieces: list[TextChunk]) -> Iterator[str]:
    """Yield the first text as it is written, then the others, which are written at the same time; note all pieces."""
    count = int(stream.options["num_samples"])
    yield _heading(0, count) + stream.prompt
    for piece in stream:
        pieces.append(piece)
        if piece.sample == 0:
            yield piece.text
    for number in range(1, count):
        own = "".join(piece.text for piece in pieces if piece.sample == number)
        yield "\n" + _heading(number, count) + stream.prompt + own


def _heading(number: int, count: int) -> str:
    return f"----- {number + 1} of {count} -----\n" if count > 1 else ""


def _document(name: str, stream: "Stream", texts: list[GeneratedText]) -> dict[str, object]:
    checkpoint = stream.checkpoint
    return {
        "model": name,
        "checkpoint": {"id": checkpoint.id, "kind": checkpoint.kind, "step": checkpoint.step, "loss": checkpoint.loss},
        "options": stream.options,
        "samples": texts,
    }


def _score_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("file", metavar="FILE", help="the text; - reads standard input")
    _add_checkpoint(parser)
    add_reading(parser)
    add_json(parser)


def _score(args: Namespace) -> int:
    with opened(args) as services:
        model = services.models.resolve(args.name)
        checkpoint = _checked_checkpoint(args, services, model)
        with opened_text(args.file) as (file, _):
            encoding = resolve_encoding(file, args.encoding).encoding
            text = "".join(decode(file, encoding=encoding, newlines=args.newlines or "lf"))
        hint(LOADING)
        score = services.writing.score(model.id, text, checkpoint=checkpoint)
    if args.json:
        print_json(
            {
                "model": model.name,
                "encoding": encoding,
                "nats": score.nats,
                "bits": formatting.nats_to_bits(score.nats),
                "num_characters": score.num_characters,
                "num_unknown": score.num_unknown,
            }
        )
        return DONE
    say(f"{formatting.loss_with_units(score.nats)}, over {score.num_characters:,} characters read as {encoding}")
    if score.num_unknown:
        say(f"{score.num_unknown:,} of them are characters that the model never saw; they count as unknown ones.")
    return DONE


COMMANDS = (
    Command("sample", "Write", "NAME [options]", "write a text with a model", _sample_flags, _sample),
    Command("score", "Write", "NAME FILE", "tell how well a model predicts a text", _score_flags, _score),
)
