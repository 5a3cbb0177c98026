"""Read and edit the login file: a JSON object that maps user names to password hashes or passwords."""

import json
import logging
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from charrnn.core.atomic_files import atomic_file
from charrnn.core.errors import NameTaken, NotFound, StudioError
from charrnn.core.password_hashing import MAX_LENGTH, hash_password, is_hashed, verify_password

MAX_USER_LENGTH = 200
SECRETS = Path("/run/secrets")
"""Folder in which container engines mount secrets; every user of the container can read them."""

log = logging.getLogger(__name__)


class Users:
    """The users of a login file, which is read again whenever it changes. Thread-safe.

    If the file becomes unreadable, for example while an editor replaces it, the users read last stay valid and
    the error is logged.

    Args:
        path: The login file.

    Raises:
        StudioError: It cannot be read, is not a login file, has no users, or can be changed by every user of this
            machine.
    """

    def __init__(self, path: Path):
        self.path = path
        self._lock = threading.Lock()
        self._last_fingerprint = _fingerprint(path)
        self._stored = read_users(path)
        if not self._stored:
            raise StudioError(f"{path} has no users. Add one with `charrnn user add NAME --login_file {path}`.")

    def __repr__(self) -> str:
        return f"Users({str(self.path)!r})"

    def stored(self, user: str) -> str | None:
        """Return a user's stored password, usually a hash; `None` if there is no such user."""
        return self._current().get(user)

    def verify(self, user: str, password: str) -> bool:
        """Return whether a password is correct; takes the same time for unknown users."""
        return verify_password(password, self._current().get(user))

    @property
    def plain(self) -> list[str]:
        """The users whose passwords are plain text."""
        return [user for user, stored in self._current().items() if not is_hashed(stored)]

    def _current(self) -> Mapping[str, str]:
        with self._lock:
            fingerprint = _fingerprint(self.path)
            if fingerprint != self._last_fingerprint:
                self._last_fingerprint = fingerprint
                try:
                    self._stored = read_users(self.path)
                except StudioError as error:
                    log.error("%s Keeping the users that were read last.", error)
            return self._stored


def read_users(path: Path) -> dict[str, str]:
    """Read a login file.

    Returns:
        The stored password of each user: a hash or plain text.

    Raises:
        StudioError: It cannot be read, or is not a login file.
    """
    reject_world_writable(path)
    try:
        users = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise StudioError(f"Cannot read {path}: {reason}. Check the name and the permissions.") from None
    except ValueError:
        users = None  # the error would quote the file
    if not isinstance(users, dict):
        raise StudioError(
            f"{path} is not a login file: expected a JSON object with a password for each user. Create one with "
            f"`charrnn user add NAME --login_file {path}`."
        )
    for user, stored in users.items():
        check_user(user)
        if not isinstance(stored, str) or not stored or len(stored) > MAX_LENGTH:
            raise StudioError(
                f"{path} has an invalid password for user {user!r}: expected 1 to {MAX_LENGTH} characters."
            )
        try:
            is_hashed(stored)
        except ValueError:
            raise StudioError(
                f"{path} has a damaged hash for the user {user!r}. Set the password again with `charrnn user add`."
            ) from None
    return users


def add_user(path: Path, user: str, password: str, *, replace: bool = False) -> None:
    """Add a user, or replace a user's password; create the file if missing, readable by its owner only.

    Raises:
        NameTaken: The user exists, and `replace` is false.
        StudioError: The name, the password or the file is not valid.
    """
    check_user(user)
    if not password or len(password) > MAX_LENGTH:
        raise StudioError(f"The password has {len(password):,} characters; expected 1 to {MAX_LENGTH:,}.")
    hashed = hash_password(password)

    def change(users: dict[str, str]) -> None:
        if user in users and not replace:
            raise NameTaken(f"The user {user!r} exists already. To change the password, add --replace.")
        users[user] = hashed

    _edit(path, change, create=True)


def remove_user(path: Path, user: str) -> None:
    """Remove a user. A running server ends this user's sessions within a second.

    Raises:
        NotFound: There is no such user.
        StudioError: The file cannot be read or written.
    """

    def change(users: dict[str, str]) -> None:
        if user not in users:
            raise NotFound(f"{path} has no user {user!r}; it has {', '.join(map(repr, sorted(users))) or 'none'}.")
        del users[user]

    _edit(path, change)


def hash_plain_text(path: Path) -> list[str]:
    """Replace plain-text passwords with hashes; the passwords stay the same, but users have to log in again.

    Returns:
        The users whose passwords were plain text.

    Raises:
        StudioError: The file cannot be read or written.
    """
    converted: list[str] = []

    def change(users: dict[str, str]) -> None:
        converted.extend(user for user, stored in users.items() if not is_hashed(stored))
        users.update({user: hash_password(users[user]) for user in converted})

    _edit(path, change)
    return converted


def check_user(user: str) -> None:
    """Reject names that cannot be displayed or typed.

    Raises:
        StudioError: The name is empty, too long, or has characters that cannot be printed.
    """
    if not user.strip() or user != user.strip() or len(user) > MAX_USER_LENGTH or not user.isprintable():
        raise StudioError(
            f"{user[:MAX_USER_LENGTH]!r} is not a valid user name: expected 1 to {MAX_USER_LENGTH} printable "
            f"characters, without spaces at either end."
        )


def permission_warning(path: Path) -> str:
    """Return a warning if other users of this machine can read a secret file; empty otherwise."""
    if os.name != "posix" or SECRETS in path.absolute().parents:
        return ""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & 0o007:
        return ""
    return f"Warning: other users of this machine can read {path} (mode {mode:04o}). Run: chmod 600 {path}"


def reject_world_writable(path: Path) -> None:
    """Reject a secret file that every user of this machine can change.

    Raises:
        StudioError: The file is world-writable.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return  # reading the file raises the error
    if os.name == "posix" and mode & 0o002:
        raise StudioError(f"Every user of this machine can change {path} (mode {mode:04o}). Run: chmod 600 {path}")


def _fingerprint(path: Path) -> tuple[int, int, int]:
    """Return numbers that change with the file; zeros if it does not exist."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0, 0
    return status.st_mtime_ns, status.st_size, status.st_ino


def _edit(path: Path, change: Callable[[dict[str, str]], None], *, create: bool = False) -> None:
    try:
        with _locked(path):
            exists = path.exists()
            users = {} if create and not exists else read_users(path)
            change(users)
            with atomic_file(path) as file:
                os.chmod(file.name, stat.S_IMODE(path.stat().st_mode) if exists else 0o600)
                file.write(json.dumps(users, ensure_ascii=False, indent=2).encode() + b"\n")
    except OSError as error:
        raise StudioError(f"Cannot write {path}: {error.strerror}. Check the folder and its permissions.") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock the login file against other programs that edit it."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
