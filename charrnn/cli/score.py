"""Read a text with a model (`charrnn score`): its loss, how it fits, another model's opinion, and why a character."""

import math
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from charrnn.cli.checkpoint_argument import LOADING_MESSAGE, add_checkpoint, checked_checkpoint
from charrnn.cli.command_base import DONE, Command, UsageError, add_json, add_model, services_for
from charrnn.cli.slow_progress import slow_progress
from charrnn.cli.terminal_output import echo, hint, print_json, visible
from charrnn.cli.text_input import add_encoding_flags, read_text
from charrnn.core import formatting
from charrnn.core.text_fit import MAX_CHARACTERS, MIN_CHARACTERS, MIN_COMPARED, TEMPERATURES, Fit

if TYPE_CHECKING:
    from charrnn.services.text_reading import Contributions, Reading, ReadingPair

TYPICAL_Z = 2.0
"""Texts that the model generated exceed this z score in 1 of 20 cases."""
MANY_COPIES = 0.05
"""Share of copies from which the surprise of a text says little."""
SHOWN_CONTRIBUTIONS = 12


def _score_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("file", metavar="FILE", help="the text; - reads standard input")
    add_checkpoint(parser)
    parser.add_argument(
        "--against", metavar="OTHER", help="compare with another model, by the surprise of the same characters"
    )
    parser.add_argument(
        "--why",
        type=int,
        metavar="OFFSET",
        help="print what earlier characters contributed to the probability of the character at this offset",
    )
    parser.add_argument(
        "--adaptive",
        action="store_true",
        help="adapt the weights to the text while scoring it, as compressors do; the stored model does not change",
    )
    add_encoding_flags(parser)
    add_json(parser)


def _score(args: Namespace) -> int:
    if sum(map(bool, (args.against, args.why is not None, args.adaptive))) > 1:
        raise UsageError("--against, --why and --adaptive cannot be combined. Run the command once for each.")
    with services_for(args) as services:
        model = services.models.resolve(args.name)
        other = services.models.resolve(args.against) if args.against else None
        checkpoint = checked_checkpoint(args, services, model)
        text, encoding = read_text(args)
        hint(LOADING_MESSAGE)
        document: dict[str, Any] = {"model": model.name, "encoding": encoding}
        if args.why is not None:
            lines = _why(services.reading.why(model.id, text, args.why, checkpoint=checkpoint), document)
        elif args.adaptive or len(text) > MAX_CHARACTERS:
            score = services.writing.score(model.id, text, checkpoint=checkpoint, adaptive=args.adaptive)
            lines = _loss(score.nats, score.num_characters, score.num_unknown, document, args.adaptive)
        elif other is not None:
            with slow_progress("reading") as progress:
                pair = services.reading.compare(model.id, other.id, text, checkpoint=checkpoint, progress=progress)
            lines = _comparison(pair, model.name, other.name, document)
        else:
            with slow_progress("reading") as progress:
                reading = services.reading.read(model.id, text, checkpoint=checkpoint, progress=progress)
            lines = _reading(reading, document)
    if args.json:
        print_json(document)
    else:
        for line in lines:
            echo(line)
    return DONE


def _loss(nats: float, count: int, num_unknown: int, document: dict[str, Any], adaptive: bool = False) -> list[str]:
    """Add the loss of a text to the JSON document; return it as lines."""
    document |= {
        "nats": nats,
        "bits": formatting.nats_to_bits(nats),
        "num_characters": count,
        "num_unknown": num_unknown,
        "adaptive": adaptive,
    }
    mode = ", adaptive" if adaptive else ""
    lines = [f"{formatting.loss_with_units(nats)} over {count:,} characters ({document['encoding']}{mode})"]
    if num_unknown:
        lines.append(f"{num_unknown:,} of them are not in the vocabulary; they are scored as unknown.")
    return lines


def _reading(reading: "Reading", document: dict[str, Any]) -> list[str]:
    """Add a reading to the JSON document; return it as lines."""
    lines = _loss(reading.nats, len(reading.surprise), reading.num_unknown, document)
    document |= {"fit": reading.fit, "copies": None, "surprise": reading.surprise}
    if (copies := reading.copies) is not None:
        document["copies"] = {name: getattr(copies, name) for name in ("min_length", "share", "unseen_share")}
        lines.append(f"Copies: {formatting.copies_summary(copies.share, copies.min_length, copies.unseen_share)}.")
        if copies.share > max(MANY_COPIES, 3 * (copies.unseen_share or 0)):
            lines.append("Where a text is copied from the training text, a low surprise says little.")
    if reading.fit is None:
        lines.append(
            f"Texts with fewer than {MIN_CHARACTERS} known characters are too short for a statement on the fit."
        )
    else:
        lines += _fit(reading.fit)
    return lines


def _fit(fit: Fit) -> list[str]:
    if abs(fit.z) <= TYPICAL_Z:
        verdict = "Fits like the model's own text"
    elif fit.z > 0:
        verdict = "Surprises the model more than its own text"
    else:
        verdict = "Surprises the model less than its own text, as if generated at a lower temperature"
    low, high = TEMPERATURES[0], TEMPERATURES[-1]
    limit = "≤ " if fit.temperature <= low else "≥ " if fit.temperature >= high else ""
    error = "" if limit else f" ± {fit.temperature_error:.2f}"
    return [
        f"{verdict}: z = {fit.z:+.1f}, {fit.excess:+.3f} nats per character more than the model expects of its own.",
        f"The temperature that explains it best: {limit}{fit.temperature:.2f}{error}.",
    ]


def _comparison(pair: "ReadingPair", first: str, second: str, document: dict[str, Any]) -> list[str]:
    """Add a comparison to the JSON document; return it as lines."""
    readings: dict[str, dict[str, Any]] = {first: {}, second: {}}
    lines = []
    for name, reading in ((first, pair.first), (second, pair.second)):
        part = {"encoding": document["encoding"]}
        lines += [f"{name}:", *("  " + line for line in _reading(reading, part)), ""]
        readings[name] = part
    document |= {
        "against": second,
        "readings": [readings[first], readings[second]],
        "num_compared": pair.num_compared,
        "comparison": None,
    }
    result = pair.comparison
    if result is None:
        return [*lines, f"No comparison: it needs {MIN_COMPARED} characters that both models know."]
    document["comparison"] = asdict(result) | {"verdict": result.verdict}
    better = {"first": first, "second": second, "tie": ""}[result.verdict]
    verdict = f"{better} predicts this text better" if better else "No difference is certain"
    return [
        *lines,
        f"{verdict}: {first} - {second} = {result.difference:+.4f} nats per character, 95 % confidence interval "
        f"{result.low:+.4f} to {result.high:+.4f}, over {pair.num_compared:,} characters.",
        f"{first} is better in {result.first_better} of {result.num_blocks} blocks.",
    ]


def _why(result: "Contributions", document: dict[str, Any]) -> list[str]:
    """Add contributions to the JSON document; return the largest ones as lines."""
    document |= asdict(result)
    total = result.logprob - result.shortest_logprob
    lines = [
        f"{_named(result.character)} has a probability of {math.exp(result.logprob):.1%} here, and of "
        f"{math.exp(result.shortest_logprob):.1%} after {_named(result.context[-1])} alone.",
        f"What reading earlier characters contributed, had the text begun there ({total:+.2f} nats in total):",
    ]
    largest = sorted(range(len(result.nats)), key=lambda at: -abs(result.nats[at]))[:SHOWN_CONTRIBUTIONS]
    for at in sorted(largest):
        back = len(result.context) - at
        lines.append(f"  {result.nats[at]:+6.2f} nats: {_named(result.context[at])}, {back} back")
    return lines


def _named(character: str) -> str:
    return {" ": "space", "\n": "newline", "\t": "tab"}.get(character, visible(character))


COMMANDS = (
    Command(
        "score",
        "Write",
        "NAME FILE",
        "measure how a text fits a model, or which of two models fits better",
        _score_flags,
        _score,
    ),
)
