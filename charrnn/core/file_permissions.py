"""Keep the data folder to its owner: folders 0700, files 0600, whatever the umask.

A group keeps its permissions where an operator shares the folder on purpose: it carries setgid, its group may write, or
it is closed to others already, such as 0750. Others, that is everybody else on the machine, never get any.
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
    """Return the mode of a new folder below another one: a group that shares that one may do the same here."""
    return 0o700 | (_shared(_mode(parent)) & _GROUP)


def file_mode(parent: Path) -> int:
    """Return the mode of a new file in a folder: a group that shares the folder may do the same here."""
    return 0o600 | (_shared(_mode(parent)) & 0o060)


def close_to_others(path: Path) -> bool:
    """Take away what only a default umask gave: everything from others, and from a group that shares nothing.

    Only the owner changes anything, and no folder with the sticky bit, which is a place for everybody such as /tmp.

    Returns:
        Whether the mode was changed.
    """
    found = os.lstat(path)
    mode = stat.S_IMODE(found.st_mode)
    is_known = stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)
    if os.name == "nt" or not is_known or mode & stat.S_ISVTX or found.st_uid != os.geteuid():
        return False
    wanted = (mode & ~(_OTHERS | _GROUP)) | _shared(mode)
    if wanted == mode:
        return False
    try:
        os.chmod(path, wanted)
    except OSError as error:  # a file system without permissions
        _warn(path, error.strerror or str(error))
        return False
    return True


def close_tree(root: Path) -> None:
    """Close everything below a folder to others, links aside."""
    for folder, _, names in os.walk(root, topdown=False):
        for path in (*(Path(folder, name) for name in names), Path(folder)):
            try:
                close_to_others(path)
            except FileNotFoundError:  # somebody at work has just removed it
                continue


@cache
def _warn(path: Path, reason: str) -> None:
    log.warning("Others can read %s, and its mode cannot be changed: %s", path, reason)


def _shared(mode: int) -> int:
    """Return the bits of a group that was given them on purpose."""
    is_shared = mode & _SHARED or not mode & _OTHERS
    return mode & _GROUP if is_shared and not mode & stat.S_ISVTX else 0


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
