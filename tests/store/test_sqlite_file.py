"""Tests of SQLite files on local and network file systems."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from charrnn.core.errors import StoreError
from charrnn.store import sqlite_file
from charrnn.store.database import Database
from charrnn.store.sqlite_file import network_file_system

MOUNTS = r"""
/dev/sda1 / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/home /home nfs4 rw,vers=4.2 0 0
/dev/sdb1 /home/ann/local xfs rw 0 0
//nas/my\040share /mnt/my\040share cifs rw 0 0
hidden:/data /data nfs rw 0 0
/dev/sdc1 /data ext4 rw 0 0
ann@host: /mnt/ssh fuse.sshfs rw 0 0
10.0.0.1@tcp:/scratch /scratch lustre rw 0 0
overlay /var/lib/containers overlay rw 0 0
short
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/charrnn.sqlite3", None),
        ("/home/ann/charrnn.sqlite3", "nfs4"),
        ("/home/ann/local/charrnn.sqlite3", None),
        ("/homes/charrnn.sqlite3", None),
        ("/mnt/my share/charrnn.sqlite3", "cifs"),
        ("/data/charrnn.sqlite3", None),
        ("/mnt/ssh/deep/charrnn.sqlite3", "fuse.sshfs"),
        ("/scratch/charrnn.sqlite3", "lustre"),
        ("/var/lib/containers/charrnn.sqlite3", None),
    ],
)
def test_network_file_system_is_detected_from_the_mounts(path: str, kind: str | None) -> None:
    assert network_file_system(Path(path), MOUNTS) == kind
    assert network_file_system(Path(path), "") is None


def test_database_on_a_network_file_system_logs_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr(sqlite_file, "MOUNTS", mounts)
    for _ in range(2):
        Database.open(f"sqlite:///{tmp_path}/new.sqlite3").close()
    (record,) = caplog.records
    assert record.getMessage().startswith(f"The database {tmp_path}/new.sqlite3 is on a network file system (nfs4)")
    assert "CHARRNN_HOME" in record.getMessage() and record.levelname == "WARNING"


def test_local_database_logs_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Database.open(f"sqlite:///{tmp_path}/new.sqlite3").close()
    assert not caplog.records


def test_missing_write_ahead_logging_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The VFS unix-dotfile has no shared memory, which write-ahead logging requires."""
    connect = sqlite3.connect

    def connect_without_shared_memory(path: str, **options: Any) -> sqlite3.Connection:
        return connect(f"file:{path}?vfs=unix-dotfile", uri=True, **options)

    monkeypatch.setattr("sqlite3.dbapi2.connect", connect_without_shared_memory)
    with pytest.raises(StoreError, match="journal mode is 'delete' instead of 'wal'.*CHARRNN_DATABASE_URL"):
        Database.open(f"sqlite:///{tmp_path}/new.sqlite3")


def test_database_path_error_has_the_path_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder.sqlite3").mkdir()
    with pytest.raises(StoreError, match="folder.sqlite3"):
        Database.open(f"sqlite:///{tmp_path}/folder.sqlite3")
