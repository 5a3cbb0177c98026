"""Run the command line in tests."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TEXT = "".join(f"Line {number}: the quick brown fox jumps over {number * 7 % 13} dogs.\n" for number in range(11))
SMALL = "--num_steps 5 --num_seqs 3 --lstm_size 7 --num_layers 1 --sample_every_n 4 --log_every_n 2".split()
"""Options of a training that takes a moment, once TensorFlow is loaded."""


@dataclass(frozen=True)
class Result:
    """The exit status and output of a command."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]


class Terminal(io.StringIO):
    """A text stream whose `isatty` returns true."""

    encoding = "utf-8"

    def isatty(self):
        return True


def command(home: Path, *words: str) -> list[str]:
    """Return the command line for a separate process."""
    return [sys.executable, "-m", "charrnn", "--home", str(home), *words]
