"""`charrnn models`, `rename`, `note`, `give`, `delete`, `restore`, `export` and `import`."""

import re
from argparse import ArgumentParser, Namespace
from pathlib import Path

from charrnn.cli.command import DONE, Command, add_json, add_model, opened, output_path, typed
from charrnn.cli.terminal_output import hint, notice, print_json, print_table, say
from charrnn.core import formatting
from charrnn.core.atomic_files import file_name
from charrnn.core.errors import NotFound


def _models_flags(parser: ArgumentParser) -> None:
    parser.add_argument("--deleted", action="store_true", help="those that were deleted and can be restored")
    add_json(parser)


def _models(args: Namespace) -> int:
    with opened(args) as services:
        models = services.models.deleted() if args.deleted else services.models.all()
        texts = {corpus.id: corpus.name for corpus in services.corpora.all()}
    if args.json:
        print_json(models)
    elif not models:
        notice("There are none." if args.deleted else "There are no models yet. Make one: charrnn train --help")
    else:
        owners = any(model.owner for model in models)
        print_table(
            ["name", "state", "step", "of", "best loss", "bits", "text", "changed", *(["owner"] if owners else [])],
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
    parser.add_argument("new_name", metavar="NEW", help="its new name")


def _rename(args: Namespace) -> int:
    with opened(args) as services:
        model = services.models.resolve(args.name)
        renamed = services.models.rename(model.id, args.new_name)
    notice(f"{model.name!r} is called {renamed.name!r} now.")
    return DONE


def _note_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument(
        "text", metavar="TEXT", nargs="?", help="the note, which takes the place of the one before; shows it if missing"
    )


def _note(args: Namespace) -> int:
    with opened(args) as services:
        model = services.models.resolve(args.name)
        if args.text is not None:
            services.models.note(model.id, args.text)
        elif model.notes:
            say(model.notes)
    return DONE


def _give_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("user", metavar="USER", help='the name under which they log in; "" for nobody in particular')


def _give(args: Namespace) -> int:
    with opened(args) as services:
        model = services.models.give(services.models.resolve(args.name).id, args.user)
    notice(f"{model.name!r} and its text belong to {repr(model.owner) if model.owner else 'nobody in particular'} now.")
    return DONE


def _delete_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument(
        "--forever",
        action="store_true",
        help="remove it and its checkpoints at once, also one that was deleted before; nothing brings it back",
    )


def _delete(args: Namespace) -> int:
    with opened(args) as services:
        if not args.forever:
            model = services.models.delete(services.models.resolve(args.name).id)
            notice(f"{model.name!r} is set aside. Bring it back with: {typed(args, 'restore', model.name)}")
            return DONE
        try:
            model = services.models.resolve(args.name)
        except NotFound as error:
            deleted = services.models.find_deleted(args.name)
            if deleted is None:
                raise error
            model = deleted
        services.models.purge(model.id)
    notice(f"{model.name!r} is removed, with its log and its checkpoints; its text is kept.")
    return DONE


def _restore(args: Namespace) -> int:
    with opened(args) as services:
        model = services.models.find_deleted(args.name)
        if model is None:
            raise NotFound(
                f"No model {args.name!r} was deleted. Those that can be restored: {typed(args, 'models', '--deleted')}"
            )
        services.models.restore(model.id)
    notice(f"{model.name!r} is back.")
    return DONE


def _export_flags(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("--output", metavar="FILE", help="ZIP file to write; NAME.zip here if missing")


def _export(args: Namespace) -> int:
    with opened(args) as services:
        model = services.models.resolve(args.name)
        target = output_path(args.output or file_name(re.sub(r"[^\w.-]+", "_", model.name)) + ".zip")
        hint("checking the checkpoint …")
        services.models.export(model.id, target)
    notice(f"{model.name!r} is in {target} ({formatting.size(target.stat().st_size)}).")
    return DONE


def _import_flags(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="ZIP file that charrnn export wrote, here or elsewhere")


def _import(args: Namespace) -> int:
    with opened(args) as services:
        hint("checking the checkpoint …")
        model = services.models.import_bundle(Path(args.file))
    notice(f"{model.name!r} is here, at step {model.step:,}. Write with it: {typed(args, 'sample', model.name)}")
    return DONE


COMMANDS = (
    Command("models", "Models", "[--deleted] [--json]", "list the models", _models_flags, _models),
    Command("rename", "Models", "NAME NEW", "give a model another name", _rename_flags, _rename),
    Command("note", "Models", "NAME [TEXT]", "write or show a note to a model", _note_flags, _note),
    Command("give", "Models", "NAME USER", "hand a model to a user, where users log in", _give_flags, _give),
    Command("delete", "Models", "NAME [--forever]", "set a model aside, or remove it", _delete_flags, _delete),
    Command("restore", "Models", "NAME", "bring a deleted model back", add_model, _restore),
    Command("export", "Models", "NAME [--output FILE]", "write a model to a ZIP file", _export_flags, _export),
    Command("import", "Models", "FILE", "make a model from a file that export wrote", _import_flags, _import),
)
