"""Writes that are whole or not there: temporary name beside the target, fsync, rename. Knows nothing of the content.

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
"""What a system says when a file may not grow: the disk, the user's share, or what one file may hold, is full."""
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³")}
"""What Windows takes for something else than a file, whatever its ending."""


@contextmanager
def atomic_file(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """Write a file so that others see all of it or none of it; an existing file is replaced.

    Args:
        path: The target; its folder must exist.
        private: Give it the mode of a file of the data folder; otherwise the umask decides.

    Yields:
        A binary file, open for writing.

    Raises:
        StudioError: The disk is full.
    """
    temporary = _temporary(path.parent)
    try:
        with naming_full_disk(path.parent):
            with open(temporary, "xb", opener=_closed if private else None) as file:
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
    """Write a folder so that others see all of it or none of it.

    Args:
        path: The target. Its parent must exist, it must not: contents never change under a reader.
        needed: Bytes that will be written, refused beforehand where there is less room; 0 when unknown.

    Yields:
        An empty folder to fill, which becomes the target.

    Raises:
        FileExistsError: The target exists; nothing was changed.
        StudioError: The disk is full.
    """
    with temporary_folder(path.parent, needed=needed) as building:
        yield building
        publish(building, path)


@contextmanager
def temporary_folder(parent: Path, *, needed: int = 0) -> Iterator[Path]:
    """Make a folder that is removed at the end, unless `publish` gave it its real name.

    Raises:
        StudioError: The disk is full.
    """
    building = _temporary(parent)
    try:
        with naming_full_disk(parent, needed=needed):
            building.mkdir(mode=0o700)
            yield building
    finally:
        shutil.rmtree(building, ignore_errors=True)


def publish(building: Path, path: Path) -> None:
    """Give a filled temporary folder its real name, once everything in it is on the disk.

    Raises:
        FileExistsError: The target exists; nothing was changed.
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
    """Make a folder and those above it that are missing, so that a power cut does not undo it.

    Args:
        path: The folder; it may exist.
        inherits: Whether it has the mode of its parent, as folders of the data folder do, or is its owner's alone.
    """
    if path.is_dir():
        return
    make_folder(path.parent, inherits=False)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if path.is_dir():  # somebody was quicker
            return
        raise
    os.chmod(path, folder_mode(path.parent) if inherits else 0o700)
    sync_folder(path.parent)


def file_name(name: str) -> str:
    """Return a name as every file system takes it: one part of a path, visible, and no device of Windows."""
    kept = "".join("_" if c in '<>:"/\\|?*' or not c.isprintable() else c for c in name).strip(" .")
    kept = kept.encode()[:200].decode(errors="ignore").rstrip(" .")  # most take 255 bytes, with the ending
    first = kept.partition(".")[0].strip().upper()
    return f"_{kept}" if not kept or kept[0] in "-~" or first in _DEVICES else kept


def discard(folder: Path, *, unless: Callable[[], bool] = lambda: False) -> None:
    """Remove a folder so that others see all of it or none of it; it may be missing.

    Args:
        folder: What to remove.
        unless: Asked when nobody sees the folder any more; if it is needed after all, it comes back.
    """
    doomed = _temporary(folder.parent)
    try:
        os.rename(folder, doomed)
    except FileNotFoundError:
        return
    is_needed = True
    try:
        is_needed = unless()
    finally:
        if is_needed:
            with suppress(FileExistsError):  # somebody has made it anew
                _rename_to_new(doomed, folder)
                sync_folder(folder.parent)
    shutil.rmtree(doomed, ignore_errors=is_needed)


def sweep(folder: Path, *, older_than: float = 86_400) -> list[Path]:
    """Remove temporary files and folders that crashes left behind.

    Args:
        folder: Where to look; not below it.
        older_than: Seconds since the last write; younger ones may belong to somebody at work.

    Returns:
        What was removed.
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
def naming_full_disk(folder: Path, *, needed: int = 0) -> Iterator[None]:
    """Say which folder is on a full disk, where the system says only that a disk is full.

    Args:
        folder: Where the block writes to.
        needed: Bytes that it will need in all, refused beforehand where there is less room; 0 when unknown.

    Raises:
        StudioError: There is too little room.
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
    asked = f"{needed / 1e6:,.1f} MB are needed, " if needed else ""
    return (
        f"The disk of {folder} is full: {asked}{free / 1e6:,.1f} MB are free. Nothing was changed. "
        f"Make room there, or choose another data folder (CHARRNN_HOME)."
    )


def _temporary(parent: Path) -> Path:
    return parent / f"{PREFIX}{os.getpid()}-{secrets.token_hex(8)}"


def _last_write(path: Path) -> float:
    try:
        return max(each.lstat().st_mtime for each in (path, *path.rglob("*")))
    except FileNotFoundError:  # its owner is at work on it
        return time.time()


def _rename_to_new(folder: Path, path: Path) -> None:
    if path.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    try:
        os.rename(folder, path)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):  # somebody was quicker
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        raise


def _closed(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_file(path: Path) -> None:
    with open(path, "rb+") as file:
        _flush(file.fileno())


def _flush(descriptor: int) -> None:
    if sys.platform == "darwin":  # there, fsync leaves it in the disk's own cache
        fcntl(descriptor, F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Make sure that the names in a folder survive a power cut."""
    if os.name == "nt":  # Windows opens no folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _flush(descriptor)
    finally:
        os.close(descriptor)
