"""List and manage models: `charrnn models`, `rename`, `note`, `give`, `delete`, `restore`, `export` and `import`."""

import re
from argparse import ArgumentParser, Namespace
from pathlib import Path

from charrnn.cli.command_base import (
    DONE,
    Command,
    UsageError,
    add_json,
    add_model,
    format_command,
    output_path,
    services_for,
)
from charrnn.cli.terminal_output import echo, hint, notice, print_json, print_table
from charrnn.core import formatting
from charrnn.core.atomic_files import file_name
from charrnn.core.errors import NotFound
from charrnn.services.web_page.packed_weights import FORMATS


def _models_flags(parser: ArgumentParser) -> None:
    parser.add_argument("--deleted", action="store_true", help="list deleted models, which can be restored")
    add_json(parser)


def _models(args: Namespace) -> int:
    with services_for(args) as services:
        models = services.models.deleted() if args.deleted else services.models.all()
        texts = {corpus.id: corpus.name for corpus in services.corpora.all()}
    if args.json:
        print_json(models)
    elif not models:
        notice(
            "There are no deleted models."
            if args.deleted
            else "There are no models yet. Train one: charrnn train --help"
        )
    else:
        owners = any(model.owner for model in models)
        print_table(
            ["name", "state", "step", "of", "best loss", "bits", "text", "updated", *(["owner"] if owners else [])],
            [
                [
                    model.name,
                    model.state,
                    f"{model.step:,}",
                    f"{model.train_params.get('max_steps', 0):,}",
                    formatting.loss(model.best_loss),
                    formatting.bits(model.best_loss),
                    texts.get(model.corpus_id or "", ""),
                    formatting.local_time(model.updated_at),
                    *([model.owner] if owners else []),
                ]
                for model in models
            ],
            right=("step", "of", "best loss", "bits"),
        )
    return DONE


def _rename_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("new_name", metavar="NEW", help="the new name")


def _rename(args: Namespace) -> int:
    with services_for(args) as services:
        model = services.models.resolve(args.name)
        renamed = services.models.rename(model.id, args.new_name)
    notice(f"Renamed {model.name!r} to {renamed.name!r}.")
    return DONE


def _note_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("text", metavar="TEXT", nargs="?", help="the new notes; prints the current notes if missing")


def _note(args: Namespace) -> int:
    with services_for(args) as services:
        model = services.models.resolve(args.name)
        if args.text is not None:
            services.models.note(model.id, args.text)
        elif model.notes:
            echo(model.notes)
    return DONE


def _give_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("user", metavar="USER", help='login name of the new owner; "" for no owner')


def _give(args: Namespace) -> int:
    with services_for(args) as services:
        model = services.models.give(services.models.resolve(args.name).id, args.user)
    notice(f"{model.name!r} and its text now belong to {repr(model.owner) if model.owner else 'no user'}.")
    return DONE


def _delete_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument(
        "--forever",
        action="store_true",
        help="delete the model and its checkpoints permanently, even if it was deleted before",
    )


def _delete(args: Namespace) -> int:
    with services_for(args) as services:
        if not args.forever:
            model = services.models.delete(services.models.resolve(args.name).id)
            notice(f"Deleted {model.name!r}. Restore it with: {format_command(args, 'restore', model.name)}")
            return DONE
        try:
            model = services.models.resolve(args.name)
        except NotFound as error:
            deleted = services.models.find_deleted(args.name)
            if deleted is None:
                raise error
            model = deleted
        services.models.purge(model.id)
    notice(f"Permanently deleted {model.name!r} with its log and checkpoints. Its text is kept.")
    return DONE


def _restore(args: Namespace) -> int:
    with services_for(args) as services:
        model = services.models.find_deleted(args.name)
        if model is None:
            raise NotFound(
                f"There is no deleted model {args.name!r}. List deleted models: "
                f"{format_command(args, 'models', '--deleted')}"
            )
        services.models.restore(model.id)
    notice(f"Restored {model.name!r}.")
    return DONE


def _export_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument(
        "--output", metavar="FILE", help="file to create; default: NAME.zip, or NAME.html with --html, in this folder"
    )
    parser.add_argument(
        "--html", action="store_true", help="export a web page that generates text offline, instead of a ZIP file"
    )
    parser.add_argument(
        "--weights",
        choices=FORMATS,
        help="with --html, format of the weights: int8 (default), or float16, more exact and twice as large",
    )


def _export(args: Namespace) -> int:
    if args.weights and not args.html:
        raise UsageError(
            "--weights was given without --html. A ZIP file always contains the exact weights; add --html."
        )
    with services_for(args) as services:
        model = services.models.resolve(args.name)
        suffix = ".html" if args.html else ".zip"
        target = output_path(args.output or file_name(re.sub(r"[^\w.-]+", "_", model.name)) + suffix)
        hint("verifying the checkpoint …")
        if args.html:
            services.models.export_web_page(model.id, target, weights=args.weights or "int8")
        else:
            services.models.export(model.id, target)
    notice(f"Exported {model.name!r} to {target} ({formatting.size(target.stat().st_size)}).")
    if args.html and model.train_params.get("ngram_order"):
        notice("The page has only the network, without the n-grams, so it writes other texts than charrnn sample.")
    return DONE


def _import_flags(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="ZIP file created by charrnn export")


def _import(args: Namespace) -> int:
    with services_for(args) as services:
        hint("verifying the checkpoint …")
        model = services.models.import_bundle(Path(args.file))
    notice(
        f"Imported {model.name!r} at step {model.step:,}. Generate text: {format_command(args, 'sample', model.name)}"
    )
    return DONE


COMMANDS = (
    Command("models", "Models", "[--deleted] [--json]", "list models", _models_flags, _models),
    Command("rename", "Models", "NAME NEW", "rename a model", _rename_flags, _rename),
    Command("note", "Models", "NAME [TEXT]", "set or print the notes of a model", _note_flags, _note),
    Command("give", "Models", "NAME USER", "transfer a model to another user", _give_flags, _give),
    Command("delete", "Models", "NAME [--forever]", "delete a model (can be restored)", _delete_flags, _delete),
    Command("restore", "Models", "NAME", "restore a deleted model", add_model, _restore),
    Command(
        "export",
        "Models",
        "NAME [--html] [--output FILE]",
        "export a model",
        _export_flags,
        _export,
    ),
    Command("import", "Models", "FILE", "import an exported model", _import_flags, _import),
)
