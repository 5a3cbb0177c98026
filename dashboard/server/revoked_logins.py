"""Store revoked logins on disk until their cookies expire."""

import hashlib
import time
from pathlib import Path


class RevokedLogins:
    """A set of revoked logins: one empty file per login, named after the SHA-256 of its ID.

    Servers that share the data folder share the revocations. The files contain no secrets.

    Args:
        folder: Created when the first login is revoked.
        days: Lifetime of a login; older files are deleted.
    """

    def __init__(self, folder: Path, days: float):
        self._folder, self._seconds = folder, days * 86_400

    def add(self, login_id: str) -> None:
        """Revoke a login."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._file(login_id).touch(mode=0o600)
        self._delete_expired()

    def __contains__(self, login_id: str) -> bool:
        return self._file(login_id).exists()

    def _file(self, login_id: str) -> Path:
        return self._folder / hashlib.sha256(login_id.encode()).hexdigest()

    def _delete_expired(self) -> None:
        oldest = time.time() - self._seconds
        for file in self._folder.iterdir():
            try:
                if file.stat().st_mtime < oldest:
                    file.unlink(missing_ok=True)
            except FileNotFoundError:  # deleted by another server
                continue
