"""Identify the process of a worker, so that other processes can check whether it still runs.

A process id is unique only within one process table: two containers, or the same machine before and after a reboot, can
have different processes with the same id. The name of a worker therefore also contains a digest of the boot id and the
PID namespace, and the start time of the process, all read from /proc on Linux. macOS and Windows provide nothing
comparable to unprivileged users; there, a dead worker is detected when its lease expires.
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
    """Return the name of this process in leases: `host:pid:token:table:start`, at most 150 characters.

    Host and token are for human readers; `table` identifies the process table and `start` the process in it. Both are
    empty if the system does not provide them.
    """
    host = socket.gethostname().replace(":", "-")[:_HOST_LENGTH]
    return f"{host}:{os.getpid()}:{_TOKEN}:{_process_table()}:{_start_time('self')}"


def host_of(worker: str) -> str:
    """Return the host name in the name of a worker; that of this process if `worker` is empty."""
    return (worker or worker_name()).partition(":")[0]


def is_dead(worker: str) -> bool:
    """Return whether a worker is certainly dead: its process was in the process table of this process and has ended.

    Workers named by older versions, `host:pid:token`, are never reported as dead.
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
    # The id may have been reused by another process.
    now = _start_time(pid)
    return bool(start and now) and start != now


def _process_table() -> str:
    """Return a digest of the boot id and the PID namespace of this process; empty if unknown."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        namespace = os.readlink(_PROC / "self/ns/pid")
        own_pid = os.readlink(_PROC / "self")
    except OSError:
        return ""
    if not boot or own_pid != str(os.getpid()):  # a /proc of another namespace
        return ""
    return hashlib.sha256(f"{boot} {namespace}".encode()).hexdigest()[:16]


def _start_time(pid: str) -> str:
    """Return the start time of a process in clock ticks since boot; empty if unknown."""
    try:
        stat = (_PROC / pid / "stat").read_bytes()
    except OSError:
        return ""
    fields = stat.rpartition(b")")[2].split()  # the process name before it may contain spaces and brackets
    return fields[19].decode("ascii") if len(fields) > 19 else ""
