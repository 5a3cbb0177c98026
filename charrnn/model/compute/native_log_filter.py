"""Hold back the log lines that C++ libraries print while they are loaded.

TensorFlow reads TF_CPP_MIN_LOG_LEVEL after the initializers of its shared libraries have run, so nothing in its
configuration stops the lines that these print. They go through the C stream `stderr`, which is a variable that a
program may set (manual of the GNU C Library, "Standard Streams"). File descriptor 2, where Python and `faulthandler`
write, stays untouched, so nothing that other threads print in the meantime is lost.
"""

import ctypes
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAMES = "stderr", "__stderrp"
"""The variable in the GNU C Library and on macOS."""
UNBUFFERED = 2
"""`_IONBF` of `setvbuf`."""
STARTUP = re.compile(rb"(I\d{4} |WARNING: All log messages before absl::InitializeLog\(\) ).*\n?")
"""Lines of level INFO, and the one with which the log library begins; everything else is printed."""


@contextmanager
def startup_lines_held_back() -> Iterator[None]:
    """Drop informational lines written to the C stream `stderr` in this block.

    Other lines appear at the end of the block; all of them if it raises. Where the stream cannot be set, nothing is
    held back.
    """
    library: Any = ctypes.CDLL(None)
    name = next((name for name in NAMES if hasattr(library, name)), None)
    aside = _temporary_stream(library) if name else None
    if name is None or aside is None:
        yield
        return
    variable = ctypes.c_void_p.in_dll(library, name)
    usual, variable.value = variable.value, aside
    failed = True
    try:
        yield
        failed = False
    finally:
        variable.value = usual
        # The stream stays open: another thread may be about to write to it.
        for line in _lines(library, aside):
            if failed or not STARTUP.fullmatch(line):
                os.write(2, line)


def _temporary_stream(library: Any) -> int | None:
    """Open an unbuffered `FILE *` on a file that vanishes with the process; `None` if there is no room for one."""
    library.tmpfile.restype = ctypes.c_void_p
    stream: int | None = library.tmpfile()
    if stream is not None:
        library.setvbuf(ctypes.c_void_p(stream), None, UNBUFFERED, ctypes.c_size_t(0))
    return stream


def _lines(library: Any, stream: int) -> list[bytes]:
    descriptor = library.fileno(ctypes.c_void_p(stream))
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0).splitlines(keepends=True)
