"""Generate text with a model (`charrnn sample`)."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from charrnn.cli.checkpoint_argument import LOADING_MESSAGE, add_checkpoint, checked_checkpoint
from charrnn.cli.command_base import DONE, Command, UsageError, output_path, services_for
from charrnn.cli.option_flags import add_options, typed_options
from charrnn.cli.terminal_output import as_json, for_stream, hint, notice
from charrnn.core.atomic_files import atomic_file
from charrnn.core.generated_text import GeneratedText, TextChunk, join_chunks
from charrnn.core.options import checked

if TYPE_CHECKING:
    from charrnn.services.text_generation import Stream


def _sample_flags(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="NAME", nargs="?", help="the model")
    parser.add_argument("--name", metavar="NAME", help="the model; same as NAME")
    add_checkpoint(parser)
    parser.add_argument("--output", metavar="FILE", help="write to a UTF-8 file instead of standard output")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print JSON with the log-probability of each character and its most likely alternatives",
    )
    add_options(parser, "sampling")


def _sample(args: Namespace) -> int:
    names = {name for name in (args.model, args.name) if name is not None}
    if len(names) != 1:
        given_names = "two models" if names else "no model"
        raise UsageError(
            f"The command names {given_names}. Name one, e.g. charrnn sample shakespeare (see: charrnn models)."
        )
    values = checked("sampling", typed_options(args, "sampling"))
    with services_for(args) as services, _open_output(args) as write:
        model = services.models.resolve(names.pop())
        checkpoint = checked_checkpoint(args, services, model)
        hint(LOADING_MESSAGE)
        stream = services.writing.stream(model.id, values, checkpoint=checkpoint, alternatives=args.json)
        for problem in stream.problems:
            notice(f"warning: {problem}")
        chunks: list[TextChunk] = []
        for part in _in_order(stream, chunks):
            if not args.json:
                write(part)
        texts = join_chunks(stream.prompt, chunks, int(stream.options["num_samples"]))
        if args.json:
            write(as_json(_document(model.name, stream, texts)) + "\n")
        for text in texts:
            services.writing.keep(stream, text)
        hint(
            f"{model.name}, {stream.checkpoint.kind} checkpoint, step {stream.checkpoint.step:,}, "
            f"seed {stream.options['seed']}"
        )
    return DONE


@contextmanager
def _open_output(args: Namespace) -> Iterator[Callable[[str], None]]:
    """Yield a function that writes text to the output. On a terminal, a newline follows the text."""
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


def _in_order(stream: "Stream", chunks: list[TextChunk]) -> Iterator[str]:
    """Yield the first text while it is generated, then the others, which are generated in parallel."""
    count = int(stream.options["num_samples"])
    yield _heading(0, count) + stream.prompt
    for chunk in stream:
        chunks.append(chunk)
        if chunk.sample == 0:
            yield chunk.text
    for number in range(1, count):
        text = "".join(chunk.text for chunk in chunks if chunk.sample == number)
        yield "\n" + _heading(number, count) + stream.prompt + text


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


COMMANDS = (Command("sample", "Write", "NAME [options]", "generate text with a model", _sample_flags, _sample),)
