"""Display a training of this process until it ends, and stop it on Ctrl-C or SIGTERM."""

import queue
import signal
import sys
from argparse import Namespace
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.text import Text

from charrnn.cli.command_base import DONE, FAILED, format_command
from charrnn.cli.interrupt_signals import StopSignals, exit_code
from charrnn.cli.progress_line import ProgressLine
from charrnn.cli.terminal_output import console, echo, notice, visible
from charrnn.core import formatting
from charrnn.core.errors import StateError, StoreUnavailable
from charrnn.core.records import Model, ModelState
from charrnn.core.training_events import Event, Listener, LogMessage, SampleGenerated, TrainingEnded

if TYPE_CHECKING:
    from charrnn.services import Services

POLL_SECONDS = 0.1
"""Interval between checks for signals while there are no events."""


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
        while True:
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
    interrupted = event.state in (ModelState.STOPPED, ModelState.INTERRUPTED)
    return exit_code(signals.caught) if signals.caught is not None and interrupted else code


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
    display.note("Stopping after the current step and saving a checkpoint. Press Ctrl-C again to quit immediately.")
    try:
        services.training.stop(model.id)
    except (StateError, StoreUnavailable):
        pass  # the training has just ended, or it stops although the database is unavailable


def _print_end(args: Namespace, services: "Services", model: Model, end: TrainingEnded) -> int:
    """Print how a training ended and what to do next; return the exit code."""
    best = f" Best loss {formatting.loss_with_units(model.best_loss)}." if model.best_loss is not None else ""
    step, resume = f"{model.step:,}", format_command(args, "resume", model.name)
    match end.state:
        case ModelState.COMPLETED:
            outcome = services.training.outcome(model.id)
            advice = f" {outcome.advice}" if outcome and outcome.advice else ""
            notice(
                f"Completed at step {step}.{best}{advice} Generate text: {format_command(args, 'sample', model.name)}"
            )
        case ModelState.STOPPED | ModelState.INTERRUPTED if not end.message:
            notice(f"{end.state.capitalize()} at step {step}; checkpoint saved.{best} Resume with: {resume}")
        case _:
            notice(f"charrnn: {end.message}")
            return FAILED
    return DONE
