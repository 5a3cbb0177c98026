"""Train in a background process that outlives the terminal (`charrnn train --detach`).

The command starts this module as a process of its own session. The process queues the training, reports that in one
line on its standard output, and trains with all output discarded: the log is in the database.
"""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from charrnn.cli.command_base import DONE, FAILED, format_command, services_for
from charrnn.cli.progress_line import ProgressLine
from charrnn.cli.terminal_output import echo, notice
from charrnn.cli.training_monitor import watch
from charrnn.core.errors import StudioError
from charrnn.core.records import Model
from charrnn.core.training_events import Listener

if TYPE_CHECKING:
    from charrnn.services import Services

_started: list[subprocess.Popen[str]] = []
"""The background processes, which are kept because Python warns about a running process that is forgotten."""


def start_detached(
    args: Namespace, services: "Services", model: Model, *, changes: Mapping[str, Any] | None = None
) -> int:
    """Queue a training in a background process, and print how to follow it.

    Args:
        args: The arguments of the command.
        services: Describe the place of the training in the queue.
        model: The model, which is not being trained.
        changes: Training options to change when the training resumes; `None` starts it at the first step.

    Returns:
        The exit code.

    Raises:
        StudioError: The training was rejected, or the process could not start.
    """
    places = [*(["--home", args.home] if args.home else []), *(["--database", args.database] if args.database else [])]
    resume = [] if changes is None else ["--changes", json.dumps(dict(changes))]
    process = subprocess.Popen(
        [sys.executable, "-m", "charrnn.cli.detached_training", *places, *resume, model.id],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    if error := _first_report(process):
        process.wait()
        raise StudioError(f"The training cannot start in the background: {error}")
    _started.append(process)
    place = services.queue.entry(model.id)
    notice(f"{place}." if place else f"{model.name!r} trains in the background.")
    notice(f"Follow it with: {format_command(args, 'log', model.name, '--follow')}")
    notice(f"Stop it with: {format_command(args, 'stop', model.name)}")
    echo(model.name)
    return DONE


def _first_report(process: subprocess.Popen[str]) -> str:
    """Wait until a background process has queued its training; return its error, empty if there is none."""
    if process.stdout is None or process.stderr is None:
        return "its output cannot be read."
    with process.stdout, process.stderr:
        if line := process.stdout.readline():
            return str(json.loads(line).get("error", ""))
        return process.stderr.read().strip() or "its process ended at once."


def main() -> int:
    """Train one model; return the exit code."""
    parser = ArgumentParser()
    parser.add_argument("--home")
    parser.add_argument("--database")
    parser.add_argument("--changes")
    parser.add_argument("model_id")
    args = parser.parse_args()
    try:
        with services_for(args) as services:
            return watch(args, services, ProgressLine(1), lambda listener: _queue(args, services, listener))
    except StudioError as error:
        _report({"error": str(error)})
        return FAILED


def _queue(args: Namespace, services: "Services", listener: Listener) -> Model:
    if args.changes is None:
        model = services.training.begin(args.model_id, listeners=[listener])
    else:
        model = services.training.resume(args.model_id, options=json.loads(args.changes), listeners=[listener])
    _report({"state": model.state})
    return model


def _report(values: Mapping[str, str]) -> None:
    """Send one line to the command, which then ends; discard all further output."""
    print(json.dumps(values), flush=True)
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nothing, descriptor)


if __name__ == "__main__":
    sys.exit(main())
