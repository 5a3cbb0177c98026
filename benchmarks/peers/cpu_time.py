"""Read processor times from Linux."""

import os
import threading
from pathlib import Path


def spent() -> float:
    """Return the processor time of browsers, and of this process without its training, in seconds."""
    threads = [t.native_id for t in threading.enumerate() if not t.name.startswith(("training", "recorder", "charrnn"))]
    stats = [f"/proc/self/task/{number}/stat" for number in threads]
    browsers = [folder for folder in Path("/proc").glob("[0-9]*") if b"chrom" in read(folder / "cmdline")]
    return sum(_seconds(stat) for stat in (*map(Path, stats), *(folder / "stat" for folder in browsers)))


def spent_by(process: int) -> float:
    """Return the processor time of another process, in seconds."""
    return _seconds(Path(f"/proc/{process}/stat"))


def _seconds(stat: Path) -> float:
    fields = read(stat).rpartition(b")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def read(path: Path) -> bytes:
    """Return the contents of a kernel file; empty if its process has ended."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
