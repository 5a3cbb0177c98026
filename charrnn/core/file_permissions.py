"""Restrict the data folder to its owner: folders get mode 0700 and files 0600, regardless of the umask.

A group keeps its permissions if the folder is shared with it on purpose: if the folder has the setgid bit, is
group-writable, or grants no access to others, as 0750 does. Others never get access.
"""

import logging
import os
import stat
from functools import cache
from pathlib import Path

log = logging.getLogger(__name__)

_GROUP, _OTHERS = 0o2070, 0o007
_SHARED = stat.S_ISGID | stat.S_IWGRP


def folder_mode(parent: Path) -> int:
    """Return the mode of a new folder in `parent`; a group that shares `parent` gets the same permissions."""
    return 0o700 | (_shared(_mode(parent)) & _GROUP)


def file_mode(parent: Path) -> int:
    """Return the mode of a new file in `parent`; a group that shares `parent` gets the same permissions."""
    return 0o600 | (_shared(_mode(parent)) & 0o060)


def make_private(path: Path) -> bool:
    """Remove the permissions of others, and those of the group unless the folder is shared with it.

    Paths of other users and folders with the sticky bit, such as /tmp, are not changed.

    Returns:
        Whether the mode was changed.
    """
    found = os.lstat(path)
    mode = stat.S_IMODE(found.st_mode)
    is_known = stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)
    if os.name == "nt" or not is_known or mode & stat.S_ISVTX or found.st_uid != os.geteuid():
        return False
    private_mode = (mode & ~(_OTHERS | _GROUP)) | _shared(mode)
    if private_mode == mode:
        return False
    try:
        os.chmod(path, private_mode)
    except OSError as error:  # a file system without permissions
        _warn(path, error.strerror or str(error))
        return False
    return True


def make_tree_private(root: Path) -> None:
    """Apply `make_private` to a folder and everything below it, without following links."""
    for folder, _, names in os.walk(root, topdown=False):
        for path in (*(Path(folder, name) for name in names), Path(folder)):
            try:
                make_private(path)
            except FileNotFoundError:  # removed by another process in the meantime
                continue


@cache
def _warn(path: Path, reason: str) -> None:
    log.warning("Others can read %s, and its mode cannot be changed: %s", path, reason)


def _shared(mode: int) -> int:
    """Return the group's permissions if they were granted on purpose."""
    is_shared = mode & _SHARED or not mode & _OTHERS
    return mode & _GROUP if is_shared and not mode & stat.S_ISVTX else 0


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
