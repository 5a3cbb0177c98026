"""Display a training of this process, waiting or running, until it ends, and stop it on Ctrl-C or SIGTERM."""

import queue
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.text import Text

from charrnn.cli.command_base import DONE, FAILED, format_command
from charrnn.cli.interrupt_signals import StopSignals, exit_code
from charrnn.cli.progress_line import ProgressLine
from charrnn.cli.terminal_output import console, echo, notice, visible
from charrnn.core import formatting
from charrnn.core.errors import StateError, StoreError, StoreUnavailable
from charrnn.core.records import Model, ModelState
from charrnn.core.training_events import Event, Listener, LogMessage, SampleGenerated, TrainingEnded

if TYPE_CHECKING:
    from charrnn.services import Services

POLL_SECONDS = 0.1
"""Interval between checks for signals while there are no events."""
QUEUE_SECONDS = 1.0
"""Interval between looks at the queue while the training waits."""


def watch(args: Namespace, services: "Services", progress: ProgressLine, start: Callable[[Listener], Model]) -> int:
    """Start a training and display it until it ends.

    Args:
        args: The arguments of the command.
        services: Runs the training.
        progress: The progress line.
        start: Starts the training with a listener.

    Returns:
        The exit code.
    """
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    stop_requested = False
    with StopSignals() as signals, _Display(progress) as display:
        model = start(events.put)
        place = _Place(services, model, display)
        while True:
            place.show()
            if signals.caught is not None and not stop_requested:
                stop_requested = True
                _request_stop(services, model, signals.caught, display)
            try:
                event = events.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            if isinstance(event, TrainingEnded):
                break
            display.show(event)
    code = _print_end(args, services, services.models.get(model.id), event)
    by_itself = event.state == ModelState.FAILED or (event.state == ModelState.COMPLETED and not event.message)
    return exit_code(signals.caught) if signals.caught is not None and not by_itself else code


class _Place:
    """The place of a training in the queue, shown until it starts."""

    def __init__(self, services: "Services", model: Model, display: "_Display"):
        self._services, self._model_id, self._display = services, model.id, display
        self._waits, self._due, self._position = model.state == ModelState.QUEUED, 0.0, 0

    def show(self) -> None:
        """Update the line if it is due."""
        if not self._waits or time.monotonic() < self._due:
            return
        self._due = time.monotonic() + QUEUE_SECONDS
        self._waits = self._services.training.launcher.waits_here(self._model_id)
        entry = None
        with suppress(StoreError):
            entry = self._services.queue.entry(self._model_id) if self._waits else None
        if entry is not None:
            self._display.show_waiting(str(entry), is_new=entry.position != self._position)
            self._position = entry.position
        elif not self._waits:
            self._display.show_waiting("", is_new=False)


class _Display:
    """Print log lines, with the progress line below them on a terminal."""

    def __init__(self, progress: ProgressLine):
        self._progress = progress
        self._prints_log = sys.stdout.isatty()  # otherwise log lines go to a file or pipe unchanged
        stream = sys.stdout if self._prints_log else sys.stderr
        self._is_terminal = stream.isatty()
        self._live = Live(
            progress,
            console=console(stream),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            refresh_per_second=4,
        )

    def __enter__(self) -> Self:
        if self._is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_terminal:
            self._live.stop()

    def show(self, event: Event) -> None:
        """Print an event and update the progress line."""
        self._progress.update(event)
        match event:
            case LogMessage(text, level) if level != "error":  # errors are printed at the end
                self._print(text, "yellow" if level == "warning" else "")
            case SampleGenerated(step, text) if self._prints_log:
                self._print(f"sample at step {step:,}:\n{text}\n", "dim")

    def note(self, text: str) -> None:
        """Print a message that is not part of the log."""
        if self._is_terminal:
            self._live.console.print(Text(text, "bold"))
        else:
            notice(text)

    def show_waiting(self, text: str, *, is_new: bool) -> None:
        """Show a place in the queue; without a terminal, print it if it is new."""
        self._progress.waiting = text
        if is_new and not self._is_terminal:
            notice(text)

    def show_stopping(self) -> None:
        """Show that a stop was requested."""
        self._progress.is_stopping = True

    def _print(self, text: str, style: str) -> None:
        if self._prints_log:
            self._live.console.print(Text(visible(text, lines=True), style))
        else:
            echo(text)


def _request_stop(services: "Services", model: Model, number: int, display: _Display) -> None:
    display.show_stopping()
    if number != signal.SIGINT:
        services.training.interrupt(model.id)
        return
    if services.training.launcher.waits_here(model.id):
        display.note("Cancelling the training, which has not started. Press Ctrl-C again to quit immediately.")
    else:
        display.note("Stopping after the current step and saving a checkpoint. Press Ctrl-C again to quit immediately.")
    try:
        services.training.stop(model.id)
    except (StateError, StoreUnavailable):
        pass  # the training has just ended, or it stops although the database is unavailable


def _print_end(args: Namespace, services: "Services", model: Model, end: TrainingEnded) -> int:
    """Print how a training ended and what to do next; return the exit code."""
    best = f" Best loss {formatting.loss_with_units(model.best_loss)}." if model.best_loss is not None else ""
    step, resume = f"{model.step:,}", format_command(args, "resume", model.name)
    if end.message:  # failed, or cancelled while it waited
        notice(f"charrnn: {end.message}")
        return FAILED
    match end.state:
        case ModelState.COMPLETED:
            outcome = services.training.outcome(model.id)
            advice = f" {outcome.advice}" if outcome and outcome.advice else ""
            notice(
                f"Completed at step {step}.{best}{advice} Generate text: {format_command(args, 'sample', model.name)}"
            )
        case ModelState.STOPPED | ModelState.INTERRUPTED:
            notice(f"{end.state.capitalize()} at step {step}; checkpoint saved.{best} Resume with: {resume}")
        case _:
            return FAILED
    return DONE
