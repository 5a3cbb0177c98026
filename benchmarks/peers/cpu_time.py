"""Read processor times from Linux."""

import os
import threading
from pathlib import Path


def dashboard_seconds() -> float:
    """Return the processor time of all browsers and of the server threads of this process, in seconds.

    Threads that train, record or load data are not counted.
    """
    threads = [t.native_id for t in threading.enumerate() if not t.name.startswith(("training", "recorder", "charrnn"))]
    stats = [Path(f"/proc/self/task/{number}/stat") for number in threads]
    browsers = [folder for folder in Path("/proc").glob("[0-9]*") if b"chrom" in _read(folder / "cmdline")]
    return sum(_seconds(stat) for stat in (*stats, *(folder / "stat" for folder in browsers)))


def process_seconds(pid: int) -> float:
    """Return the processor time of another process, in seconds."""
    return _seconds(Path(f"/proc/{pid}/stat"))


def _seconds(stat: Path) -> float:
    fields = _read(stat).rpartition(b")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def _read(path: Path) -> bytes:
    """Return the contents of a file in /proc; empty if the process has ended."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
