"""Measure the loss of a text under a model (`charrnn score`)."""

from argparse import ArgumentParser, Namespace

from charrnn.cli.checkpoint_argument import LOADING_MESSAGE, add_checkpoint, checked_checkpoint
from charrnn.cli.command_base import DONE, Command, add_json, add_model, services_for
from charrnn.cli.terminal_output import echo, hint, print_json
from charrnn.cli.text_input import add_encoding_flags, open_text
from charrnn.core import formatting
from charrnn.core.text_decoding import decode, resolve_encoding


def _score_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("file", metavar="FILE", help="the text; - reads standard input")
    add_checkpoint(parser)
    parser.add_argument(
        "--adaptive",
        action="store_true",
        help="adapt the weights to the text while scoring it, as compressors do; the stored model does not change",
    )
    add_encoding_flags(parser)
    add_json(parser)


def _score(args: Namespace) -> int:
    with services_for(args) as services:
        model = services.models.resolve(args.name)
        checkpoint = checked_checkpoint(args, services, model)
        with open_text(args.file) as (file, _):
            encoding = resolve_encoding(file, args.encoding).encoding
            text = "".join(decode(file, encoding=encoding, newlines=args.newlines or "lf"))
        hint(LOADING_MESSAGE)
        score = services.writing.score(model.id, text, checkpoint=checkpoint, adaptive=args.adaptive)
    if args.json:
        print_json(
            {
                "model": model.name,
                "encoding": encoding,
                "nats": score.nats,
                "bits": formatting.nats_to_bits(score.nats),
                "num_characters": score.num_characters,
                "num_unknown": score.num_unknown,
                "adaptive": args.adaptive,
            }
        )
        return DONE
    mode = ", adaptive" if args.adaptive else ""
    echo(f"{formatting.loss_with_units(score.nats)} over {score.num_characters:,} characters ({encoding}{mode})")
    if score.num_unknown:
        echo(f"{score.num_unknown:,} of them are not in the vocabulary; they are scored as unknown.")
    return DONE


COMMANDS = (Command("score", "Write", "NAME FILE", "measure the loss of a text under a model", _score_flags, _score),)
