"""Suppress the log lines that C++ libraries print while they are loaded.

TensorFlow reads TF_CPP_MIN_LOG_LEVEL after the initializers of its shared libraries have run, so no setting suppresses
the lines that these print. They use the C stream `stderr`, a variable that a program may assign (manual of the GNU C
Library, "Standard Streams"). File descriptor 2, to which Python and `faulthandler` write, is not redirected, so the
output of other threads is not lost.
"""

import ctypes
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAMES = "stderr", "__stderrp"
"""Name of the variable in the GNU C Library and on macOS."""
UNBUFFERED = 2
"""`_IONBF` of `setvbuf`."""
STARTUP = re.compile(rb"(I\d{4} |WARNING: All log messages before absl::InitializeLog\(\) ).*\n?")
"""Lines of level INFO, and the first line of the log library; everything else is printed."""


@contextmanager
def suppress_startup_logs() -> Iterator[None]:
    """Drop informational lines written to the C stream `stderr` in this block.

    Other lines are printed at the end of the block; if it raises, all lines are. If the stream cannot be replaced,
    nothing is suppressed.
    """
    library: Any = ctypes.CDLL(None)
    name = next((name for name in NAMES if hasattr(library, name)), None)
    replacement = _temporary_stream(library) if name else None
    if name is None or replacement is None:
        yield
        return
    variable = ctypes.c_void_p.in_dll(library, name)
    original, variable.value = variable.value, replacement
    failed = True
    try:
        yield
        failed = False
    finally:
        variable.value = original
        # The stream stays open, because another thread may be about to write to it.
        for line in _lines(library, replacement):
            if failed or not STARTUP.fullmatch(line):
                os.write(2, line)


def _temporary_stream(library: Any) -> int | None:
    """Open an unbuffered `FILE *` on a temporary file; `None` if it cannot be created."""
    library.tmpfile.restype = ctypes.c_void_p
    stream: int | None = library.tmpfile()
    if stream is not None:
        library.setvbuf(ctypes.c_void_p(stream), None, UNBUFFERED, ctypes.c_size_t(0))
    return stream


def _lines(library: Any, stream: int) -> list[bytes]:
    descriptor = library.fileno(ctypes.c_void_p(stream))
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0).splitlines(keepends=True)
