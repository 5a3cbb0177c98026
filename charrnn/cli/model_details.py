"""Show the details of a model (`charrnn show`)."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from charrnn.cli.command_base import DONE, Command, add_json, add_model, services_for
from charrnn.cli.terminal_output import echo, print_facts, print_json, print_table
from charrnn.core import formatting
from charrnn.core.options import defaults
from charrnn.core.records import Checkpoint, Corpus, Model, Sample

if TYPE_CHECKING:
    from charrnn.services import Services


def _show_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    add_json(parser)


def _show(args: Namespace) -> int:
    with services_for(args) as services:
        model = services.models.resolve(args.name)
        corpus = services.corpora.get(model.corpus_id) if model.corpus_id else None
        checkpoints = services.models.checkpoints(model.id)
        samples = services.models.samples(model.id)
        newest = _newest_values(services, model)
    if args.json:
        print_json({"model": model, "corpus": corpus, "newest": newest, "checkpoints": checkpoints, "samples": samples})
        return DONE
    print_facts(_facts(model, corpus, newest))
    if checkpoints:
        print()
        _print_checkpoints(checkpoints)
    if samples:
        _print_sample(samples[-1])
    return DONE


def _newest_values(services: "Services", model: Model) -> dict[str, float]:
    return {metric.name: metric.value for metric in services.models.metrics(model.id)}


def _facts(model: Model, corpus: Corpus | None, newest: Mapping[str, float]) -> dict[str, str]:
    default_values = defaults("training")
    changed = {name: value for name, value in model.train_params.items() if value != default_values.get(name)}
    return {
        "name": model.name,
        "state": model.state,
        "error": model.error or "",
        "step": f"{model.step:,} of {model.train_params.get('max_steps', 0):,}",
        "best loss": "" if model.best_loss is None else formatting.loss_with_units(model.best_loss),
        "loss": formatting.loss_with_units(newest["loss"]) if "loss" in newest else "",
        "validation": formatting.loss_with_units(newest["val_loss"]) if "val_loss" in newest else "",
        "speed": f"{newest['chars_per_second']:,.0f} characters/s" if "chars_per_second" in newest else "",
        "trained on": model.cpu or "",
        "text": "" if corpus is None else _describe_corpus(corpus),
        "options": " ".join(f"--{name} {_format_value(value)}" for name, value in changed.items()) or "defaults",
        "notes": model.notes,
        "tags": ", ".join(model.tags),
        "created": formatting.local_time(model.created_at),
        "started": formatting.local_time(model.started_at),
        "ended": formatting.local_time(model.finished_at),
        "id": model.id,
    }


def _describe_corpus(corpus: Corpus) -> str:
    return (
        f"{corpus.name}, {corpus.num_characters:,} characters ({corpus.num_distinct:,} distinct), "
        f"{corpus.num_lines:,} lines, {corpus.encoding}, id {corpus.id[:12]}"
    )


def _format_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _print_checkpoints(checkpoints: list[Checkpoint]) -> None:
    print_table(
        ["checkpoint", "step", "loss", "size", "created", "id"],
        [
            [
                checkpoint.kind,
                f"{checkpoint.step:,}",
                formatting.loss(checkpoint.loss),
                formatting.size(checkpoint.size_bytes),
                formatting.local_time(checkpoint.created_at),
                checkpoint.id,
            ]
            for checkpoint in checkpoints
        ],
        right=("step", "loss", "size"),
    )


def _print_sample(sample: Sample) -> None:
    echo(f"\nlatest sample, step {sample.step:,}:\n{sample.text[:400]}{' …' if len(sample.text) > 400 else ''}")


COMMANDS = (Command("show", "Models", "NAME [--json]", "show the details of a model", _show_flags, _show),)
