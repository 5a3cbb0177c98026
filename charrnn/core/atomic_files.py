"""Write files and folders atomically: write to a temporary name next to the target, fsync, then rename.

A crash can leave a temporary file or folder behind, never a half-written target. Temporary names begin with `.tmp-`.
"""

import errno
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from charrnn.core.errors import StudioError
from charrnn.core.file_permissions import file_mode, folder_mode

if sys.platform == "darwin":
    from fcntl import F_FULLFSYNC, fcntl

PREFIX = ".tmp-"

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Error codes for a full disk, an exhausted quota and a file that exceeds the maximum size."""
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³")}
"""Names that Windows reserves for devices, with any extension."""


@contextmanager
def atomic_file(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """Write a file atomically, replacing an existing one.

    Args:
        path: The target; its folder must exist.
        private: Set the permissions of the data folder's files; otherwise, the umask determines them.

    Yields:
        A binary file, open for writing.

    Raises:
        StudioError: The disk is full.
    """
    temporary = _temporary(path.parent)
    try:
        with full_disk_errors(path.parent):
            with open(temporary, "xb", opener=_open_for_owner if private else None) as file:
                yield file
                file.flush()
                if private:
                    os.chmod(temporary, file_mode(path.parent))
                _flush(file.fileno())
            os.replace(temporary, path)
            sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, *, needed: int = 0) -> Iterator[Path]:
    """Write a folder atomically.

    Args:
        path: The target. Its parent must exist; the target must not, because published folders never change.
        needed: Bytes that will be written, checked against the free space first; 0 if unknown.

    Yields:
        An empty temporary folder, renamed to the target at the end.

    Raises:
        FileExistsError: The target exists; it was not changed.
        StudioError: The disk is full.
    """
    with temporary_folder(path.parent, needed=needed) as building:
        yield building
        publish(building, path)


@contextmanager
def temporary_folder(parent: Path, *, needed: int = 0) -> Iterator[Path]:
    """Create a temporary folder, which is removed at the end unless `publish` has renamed it.

    Args:
        parent: The folder to create it in; it must exist.
        needed: Bytes that will be written, checked against the free space first; 0 if unknown.

    Yields:
        The empty folder.

    Raises:
        StudioError: The disk is full.
    """
    building = _temporary(parent)
    try:
        with full_disk_errors(parent, needed=needed):
            building.mkdir(mode=0o700)
            yield building
    finally:
        shutil.rmtree(building, ignore_errors=True)


def publish(building: Path, path: Path) -> None:
    """Sync a temporary folder to disk and rename it to its final path.

    Raises:
        FileExistsError: The target exists; it was not changed.
    """
    for_folders, for_files = folder_mode(path.parent), file_mode(path.parent)
    for folder, _, names in os.walk(building, topdown=False):
        for name in names:
            os.chmod(Path(folder, name), for_files)
            _sync_file(Path(folder, name))
        os.chmod(folder, for_folders)
        sync_folder(Path(folder))
    _rename_to_new(building, path)
    sync_folder(path.parent)


def make_folder(path: Path, *, inherits: bool = True) -> None:
    """Create a folder and its missing parents, and sync them so that they survive a power failure.

    Args:
        path: The folder; it may exist.
        inherits: Copy the group permissions of the parent, as in the data folder; otherwise only the owner has access.
    """
    if path.is_dir():
        return
    make_folder(path.parent, inherits=False)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if path.is_dir():  # created by another process in the meantime
            return
        raise
    os.chmod(path, folder_mode(path.parent) if inherits else 0o700)
    sync_folder(path.parent)


def file_name(name: str) -> str:
    """Return a name that is a valid file name on Linux, macOS and Windows, and not hidden."""
    kept = "".join("_" if c in '<>:"/\\|?*' or not c.isprintable() else c for c in name).strip(" .")
    kept = kept.encode()[:200].decode(errors="ignore").rstrip(" .")  # most file systems allow 255 bytes, with extension
    first = kept.partition(".")[0].strip().upper()
    return f"_{kept}" if not kept or kept[0] in "-~" or first in _DEVICES else kept


def discard(folder: Path, *, unless: Callable[[], bool] = lambda: False) -> None:
    """Remove a folder atomically; a missing folder is ignored.

    Args:
        folder: The folder to remove.
        unless: Called after the folder was renamed; if it returns true, the folder is restored.
    """
    renamed = _temporary(folder.parent)
    try:
        os.rename(folder, renamed)
    except FileNotFoundError:
        return
    is_needed = True
    try:
        is_needed = unless()
    finally:
        if is_needed:
            with suppress(FileExistsError):  # recreated by another process in the meantime
                _rename_to_new(renamed, folder)
                sync_folder(folder.parent)
    shutil.rmtree(renamed, ignore_errors=is_needed)


def sweep(folder: Path, *, older_than: float = 86_400) -> list[Path]:
    """Remove temporary files and folders that crashes left behind.

    Args:
        folder: The folder to search, without its subfolders.
        older_than: Minimum age in seconds since the last write; younger ones may still be in use.

    Returns:
        The paths that were removed.
    """
    limit = time.time() - older_than
    removed = [path for path in sorted(folder.glob(PREFIX + "*")) if _last_write(path) <= limit]
    for path in removed:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return removed


@contextmanager
def full_disk_errors(folder: Path, *, needed: int = 0) -> Iterator[None]:
    """Translate "no space left" errors to an error that names the folder and the free space.

    Args:
        folder: The folder that the block writes to.
        needed: Bytes that the block will write, checked against the free space first; 0 if unknown.

    Raises:
        StudioError: There is not enough space.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StudioError(_full_disk(folder, needed=needed, free=free))
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        free = shutil.disk_usage(folder).free
        raise StudioError(_full_disk(folder, needed=needed, free=free)) from error


def _full_disk(folder: Path, *, needed: int, free: int) -> str:
    requirement = f"{needed / 1e6:,.1f} MB are needed, but only " if needed else ""
    return (
        f"The disk of {folder} is full: {requirement}{free / 1e6:,.1f} MB are free. Nothing was changed. "
        f"Free some space, or choose another data folder (CHARRNN_HOME)."
    )


def _temporary(parent: Path) -> Path:
    return parent / f"{PREFIX}{os.getpid()}-{secrets.token_hex(8)}"


def _last_write(path: Path) -> float:
    try:
        return max(each.lstat().st_mtime for each in (path, *path.rglob("*")))
    except FileNotFoundError:  # in use: another process has just removed or renamed a file
        return time.time()


def _rename_to_new(folder: Path, path: Path) -> None:
    if path.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    try:
        os.rename(folder, path)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):  # created by another process in the meantime
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        raise


def _open_for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_file(path: Path) -> None:
    with open(path, "rb+") as file:
        _flush(file.fileno())


def _flush(descriptor: int) -> None:
    if sys.platform == "darwin":  # fsync leaves the data in the drive's cache there
        fcntl(descriptor, F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Sync a folder's entries to disk, so that new names survive a power failure."""
    if os.name == "nt":  # Windows cannot open folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _flush(descriptor)
    finally:
        os.close(descriptor)
