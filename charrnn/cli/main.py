"""Run a command and report errors on standard error."""

import io
import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence

import charrnn
from charrnn.cli import (
    check_text,
    copies,
    database_upgrade,
    inside,
    model_details,
    models,
    options_reference,
    sample,
    score,
    train,
    training_log,
    training_queue,
    user_accounts,
)
from charrnn.cli.command_base import DONE, FAILED, WRONG_USAGE, Command, UsageError
from charrnn.cli.interrupt_signals import exit_code
from charrnn.cli.parser import overview, parse
from charrnn.cli.terminal_output import echo, notice
from charrnn.core.errors import OptionError, StudioError
from charrnn.core.options import options

_MODULES = (
    train,
    training_log,
    training_queue,
    sample,
    score,
    copies,
    inside,
    models,
    model_details,
    check_text,
    user_accounts,
    options_reference,
    database_upgrade,
)
COMMANDS: dict[str, Command] = {command.name: command for module in _MODULES for command in module.COMMANDS}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments, without the name of the program; those of this process if missing.

    Returns:
        The exit code: 0 success, 1 failure, 2 usage error, 128 + n if signal n ended the command.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # escape characters that the encoding lacks
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader has closed the pipe. Redirect the remaining output, so that flushing it does not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_code(signal.SIGPIPE)


def _run(argv: Sequence[str]) -> int:
    args = None
    try:
        args = parse(argv, COMMANDS)
        _configure_logging(args.verbose)
        if args.command is not None:
            return args.command.run(args)
        echo(f"charrnn {charrnn.__version__}" if args.version else overview(COMMANDS.values()))
        return DONE if args.version or args.help else WRONG_USAGE
    except SystemExit as help_exit:  # argparse has printed a command's help
        return int(help_exit.code or DONE)
    except UsageError as error:
        notice(f"charrnn: {error}")
        return WRONG_USAGE
    except OptionError as error:
        notice(f"charrnn: {_flag_messages(error)}")
        return WRONG_USAGE
    except StudioError as error:
        if args is not None and args.verbose:
            traceback.print_exc()
        notice(f"charrnn: {error}")
        return FAILED
    except KeyboardInterrupt:
        notice("")
        return exit_code(signal.SIGINT)
    except BrokenPipeError:
        raise
    except OSError as error:
        notice(f"charrnn: {error.filename or 'The system'}: {error.strerror or error}.")
        return FAILED


def _configure_logging(verbose: bool) -> None:
    """Log to standard error if `verbose`, else nowhere."""
    logging.getLogger("charrnn").handlers[:] = [logging.StreamHandler() if verbose else logging.NullHandler()]


def _flag_messages(error: OptionError) -> str:
    flags = {"name", "preset", "minutes", *options("training"), *options("sampling")}
    lines = [f"--{name}: {text}" if name in flags else text for name, text in error.problems.items()]
    return lines[0] if len(lines) == 1 else f"{len(lines)} options are invalid:\n  " + "\n  ".join(lines)
