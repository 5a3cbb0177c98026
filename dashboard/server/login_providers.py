"""Read how users log in: with a login file or an OAuth provider. Secrets come from files or environment variables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charrnn.core.errors import StudioError
from charrnn.core.secret_files import read_secret
from charrnn.services.login_file import Users, permission_warning, reject_world_writable


@dataclass(frozen=True)
class Logins:
    """How users log in; false if there is no login."""

    users: Users | None = None
    """The users of a login file."""
    provider: str = ""
    """One of Panel's OAuth providers, such as `github` or `google`."""
    key: str = ""
    redirect_uri: str = ""
    jwt_user: str = ""
    """Entry of the provider's response with the user name; Panel's default if empty."""
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: str = field(default="", repr=False)
    cookie_secret: str = field(default="", repr=False)
    """Without it, all users have to log in again after a restart."""
    warnings: tuple[str, ...] = ()
    """Warnings for the operator: plain-text passwords, files that others can read."""

    def __bool__(self) -> bool:
        return bool(self.users or self.provider)

    @property
    def oauth_options(self) -> dict[str, Any]:
        """Options of Panel's server for the provider."""
        if not self.provider:
            return {}
        return {
            "oauth_key": self.key,
            "oauth_secret": self.secret,
            "oauth_redirect_uri": self.redirect_uri or None,
            "oauth_extra_params": dict(self.extra),
            "oauth_jwt_user": self.jwt_user or None,
        }


def read_logins(settings: Mapping[str, Any]) -> Logins:
    """Read the login settings and their files.

    Args:
        settings: As `dashboard.server.settings.read` returns them.

    Raises:
        StudioError: A file cannot be read or is invalid, or a setting is missing.
    """
    if settings["login_file"] and settings["oauth_provider"]:
        raise StudioError("Both a login file and an OAuth provider are set. Set only one of them.")
    named = [
        Path(settings[name]) for name in ("login_file", "oauth_secret_file", "cookie_secret_file") if settings[name]
    ]
    users = Users(Path(settings["login_file"])) if settings["login_file"] else None
    logins = Logins(
        users=users,
        provider=settings["oauth_provider"].lower(),
        key=settings["oauth_key"],
        redirect_uri=settings["oauth_redirect_uri"],
        jwt_user=settings["oauth_jwt_user"],
        extra=_object(Path(settings["oauth_extra_file"])) if settings["oauth_extra_file"] else {},
        secret=_secret(settings, "oauth_secret"),
        cookie_secret=_secret(settings, "cookie_secret"),
        warnings=tuple(filter(None, [*map(_checked, named), _plain(users)])),
    )
    if logins.provider:
        _check_provider(logins)
    return logins


def _check_provider(logins: Logins) -> None:
    from panel.auth import AUTH_PROVIDERS  # takes seconds to import

    if logins.provider not in AUTH_PROVIDERS:
        known = ", ".join(sorted(AUTH_PROVIDERS))
        raise StudioError(f"Unknown OAuth provider {logins.provider!r}. Use one of: {known}.")
    if not (logins.key and logins.secret):
        raise StudioError(
            "An OAuth provider needs --oauth-key (CHARRNN_OAUTH_KEY) and --oauth-secret-file "
            "(CHARRNN_OAUTH_SECRET_FILE, or CHARRNN_OAUTH_SECRET)."
        )


def _plain(users: Users | None) -> str:
    if users is None or not (plain := users.plain):
        return ""
    return (
        f"Warning: {len(plain)} password(s) in {users.path} are plain text. "
        f"Run: charrnn user convert --login_file {users.path}"
    )


def _checked(path: Path) -> str:
    """Return a warning if others can read a file.

    Raises:
        StudioError: Others can change the file.
    """
    reject_world_writable(path)
    return permission_warning(path)


def _secret(settings: Mapping[str, Any], name: str) -> str:
    """Return a secret from the file of its setting, else from the environment."""
    if path := settings[f"{name}_file"]:
        return read_secret(Path(path), f"--{name}_file".replace("_", "-"))
    return str(settings[name])


def _object(path: Path) -> dict[str, str]:
    try:
        found = json.loads(read_secret(path, "--oauth-extra-file"))
    except ValueError:
        found = None  # the error would contain the file's content
    if not isinstance(found, dict):
        raise StudioError(f'{path} is not a JSON object. Write it as {{"name": "value"}}.')
    return found
