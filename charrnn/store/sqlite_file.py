"""Create the SQLite file with private permissions, check write-ahead logging, and warn about network file systems."""

import logging
import os
import re
from contextlib import suppress
from pathlib import Path

from charrnn.core.atomic_files import sync_folder
from charrnn.core.errors import StoreError
from charrnn.core.file_permissions import file_mode, make_private

log = logging.getLogger(__name__)

MOUNTS = Path("/proc/mounts")
NETWORK_FILE_SYSTEMS = frozenset(
    "9p afs beegfs ceph cifs davfs gfs2 glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 pvfs2 smb3 smbfs sshfs "
    "fuse.beegfs fuse.ceph fuse.ceph-fuse fuse.davfs2 fuse.gcsfuse fuse.glusterfs fuse.rclone fuse.s3fs "
    "fuse.smbnetfs fuse.sshfs".split()
)
"""Types of file systems that can be shared by several machines."""

_warned: set[Path] = set()


def prepare(path: Path) -> None:
    """Create the file if it is missing, make it private, and warn once if it is on a network file system."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):  # -wal and -shm exist only while the database is open
                make_private(path.with_name(path.name + ending))
    except OSError:
        return  # SQLite will raise the same error, which is translated like all others
    else:
        os.chmod(path, file_mode(path.parent))
        sync_folder(path.parent)
    if path not in _warned:
        _warned.add(path)
        if kind := network_file_system(path.resolve(), _mounts()):
            log.warning(
                "The database %s is on a network file system (%s), where SQLite can lose data or block. Move the data "
                "folder to a local disk (CHARRNN_HOME), or use MySQL or MariaDB (CHARRNN_DATABASE_URL).",
                path,
                kind,
            )


def check_write_ahead_log(path: str, journal_mode: str) -> None:
    """Check that write-ahead logging is enabled.

    Args:
        path: The database file.
        journal_mode: The result of `PRAGMA journal_mode = WAL`.

    Raises:
        StoreError: The file system does not support write-ahead logging.
    """
    if journal_mode != "wal":
        raise StoreError(
            f"SQLite cannot use write-ahead logging for {path}: the journal mode is {journal_mode!r} instead of 'wal'. "
            "The file system may not support it. Move the data folder to a local disk (CHARRNN_HOME), or use MySQL or "
            "MariaDB (CHARRNN_DATABASE_URL)."
        )


def network_file_system(path: Path, mounts: str) -> str | None:
    """Return the type of the network file system that contains a path, or `None` if it is a local one.

    Args:
        path: Absolute path without symbolic links.
        mounts: Content of `/proc/mounts`: one line per mount with device, folder and type; later lines take precedence.
    """
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        folder = Path(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields[1]))
        if path.is_relative_to(folder) and len(folder.parts) >= best:
            best, kind = len(folder.parts), fields[2]
    return kind if kind in NETWORK_FILE_SYSTEMS else None


def _mounts() -> str:
    try:
        return MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:  # not Linux
        return ""
