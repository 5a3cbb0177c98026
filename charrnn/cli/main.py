"""From the command line to an exit code: the one place where errors become lines on standard error."""

import io
import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence

import charrnn
from charrnn.cli import (
    corpora,
    database,
    model_details,
    models,
    options_reference,
    sample,
    train,
    training_log,
    user_accounts,
)
from charrnn.cli.command import DONE, FAILED, WRONG_USAGE, Command, UsageError
from charrnn.cli.interrupt_signals import exit_code
from charrnn.cli.parser import overview, parse
from charrnn.cli.terminal_output import notice, say
from charrnn.core.errors import OptionError, StudioError
from charrnn.core.options import options

_MODULES = (train, training_log, sample, models, model_details, corpora, user_accounts, options_reference, database)
COMMANDS: dict[str, Command] = {command.name: command for module in _MODULES for command in module.COMMANDS}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Command line without the program's name; the process's own if missing.

    Returns:
        0 done, 1 failed, 2 wrong usage, 128 + n when signal n ended it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal or pipe that takes no “é” must not cost the command
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # whoever read has seen enough; what is still buffered must not fail again when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_code(signal.SIGPIPE)


def _run(argv: Sequence[str]) -> int:
    args = None
    try:
        args = parse(argv, COMMANDS)
        _set_up_log(args.verbose)
        if args.command is not None:
            return args.command.run(args)
        say(f"charrnn {charrnn.__version__}" if args.version else overview(COMMANDS.values()))
        return DONE if args.version or args.help else WRONG_USAGE
    except SystemExit as leaving:  # argparse has printed a command's help
        return int(leaving.code or DONE)
    except UsageError as error:
        notice(f"charrnn: {error}")
        return WRONG_USAGE
    except OptionError as error:
        notice(f"charrnn: {_by_flag(error)}")
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


def _set_up_log(verbose: bool) -> None:
    """Print the program's log on standard error, or nowhere."""
    logging.getLogger("charrnn").handlers[:] = [logging.StreamHandler() if verbose else logging.NullHandler()]


def _by_flag(error: OptionError) -> str:
    flags = {"name", "preset", "minutes", *options("training"), *options("sampling")}
    lines = [f"--{name}: {text}" if name in flags else text for name, text in error.problems.items()]
    return lines[0] if len(lines) == 1 else f"{len(lines)} options are wrong:\n  " + "\n  ".join(lines)
