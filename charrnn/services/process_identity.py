"""Name the process that trains, so that others can tell whether it still runs.

A process id means something only inside one process table: in two containers, or before and after a restart of the
machine, equal ids are different processes, whatever the hosts are called. So the name also holds a digest of boot id
and PID namespace, and the time at which the process started, all read from Linux' /proc. macOS and Windows have nothing
comparable that every user may read: there, a dead worker is noticed when its lease runs out.
"""

import hashlib
import os
import socket
import uuid
from pathlib import Path

_PROC = Path("/proc")
_TOKEN = uuid.uuid4().hex[:12]
_HOST_LENGTH = 64


def worker_name() -> str:
    """Name this process in a lease: `host:pid:token:table:start`, at most 150 characters.

    Host and token are for whoever reads it; `table` identifies the process table, `start` the process in it. Both are
    empty where the system does not tell.
    """
    host = socket.gethostname().replace(":", "-")[:_HOST_LENGTH]
    return f"{host}:{os.getpid()}:{_TOKEN}:{_process_table()}:{_start_time('self')}"


def is_dead(worker: str) -> bool:
    """Return whether a worker is certainly gone: its process ran in the process table of this one, and is no more.

    A name in the form of older versions, `host:pid:token`, proves nothing.
    """
    parts = worker.split(":")
    if len(parts) != 5:
        return False
    _, pid, token, table, start = parts
    if not (pid.isascii() and pid.isdigit() and table and table == _process_table()):
        return False
    if int(pid) == os.getpid():
        return (token, start) != (_TOKEN, _start_time("self"))
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    except OverflowError:
        return False
    # the id may have been given to another process since
    now = _start_time(pid)
    return bool(start and now) and start != now


def _process_table() -> str:
    """Return a digest of the boot of this machine and the PID namespace of this process; empty if unknown."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        namespace = os.readlink(_PROC / "self/ns/pid")
        own = os.readlink(_PROC / "self")
    except OSError:
        return ""
    if not boot or own != str(os.getpid()):  # a /proc of another namespace
        return ""
    return hashlib.sha256(f"{boot} {namespace}".encode()).hexdigest()[:16]


def _start_time(pid: str) -> str:
    """Return when a process started, in ticks since the boot; empty if unknown."""
    try:
        stat = (_PROC / pid / "stat").read_bytes()
    except OSError:
        return ""
    fields = stat.rpartition(b")")[2].split()  # the name before it may hold anything
    return fields[19].decode("ascii") if len(fields) > 19 else ""
