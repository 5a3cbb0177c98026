"""What takes processor time on this machine, as Linux counts it."""

import os
import threading
from pathlib import Path


def spent() -> float:
    """Return the processor time so far of browsers, and of this process but for its training, in seconds."""
    threads = [t.native_id for t in threading.enumerate() if not t.name.startswith(("training", "recorder", "charrnn"))]
    stats = [f"/proc/self/task/{number}/stat" for number in threads]
    browsers = [folder for folder in Path("/proc").glob("[0-9]*") if b"chrom" in read(folder / "cmdline")]
    return sum(_seconds(stat) for stat in (*map(Path, stats), *(folder / "stat" for folder in browsers)))


def spent_by(process: int) -> float:
    """Return the processor time of another process so far, in seconds."""
    return _seconds(Path(f"/proc/{process}/stat"))


def _seconds(stat: Path) -> float:
    fields = read(stat).rpartition(b")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def read(path: Path) -> bytes:
    """Return what a file of the kernel says; nothing when its process has ended."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
