"""Read the login settings: a login file or an OAuth provider, with secrets from files or environment variables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charrnn.core.errors import StudioError
from charrnn.core.secret_files import read_secret
from charrnn.services.login_file import Users, permission_warning, reject_world_writable


@dataclass(frozen=True)
class LoginSettings:
    """Settings of the login; false if no login is configured."""

    users: Users | None = None
    """The users of a login file."""
    provider: str = ""
    """One of Panel's OAuth providers, such as `github` or `google`."""
    key: str = ""
    redirect_uri: str = ""
    jwt_user: str = ""
    """Field of the provider's response that contains the user name; Panel's default if empty."""
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: str = field(default="", repr=False)
    cookie_secret: str = field(default="", repr=False)
    """If empty, all users have to log in again after a restart."""
    warnings: tuple[str, ...] = ()
    """Warnings for the operator: plain-text passwords, files that others can read."""

    def __bool__(self) -> bool:
        return bool(self.users or self.provider)

    @property
    def oauth_options(self) -> dict[str, Any]:
        """Options of Panel's server for the OAuth provider."""
        if not self.provider:
            return {}
        return {
            "oauth_key": self.key,
            "oauth_secret": self.secret,
            "oauth_redirect_uri": self.redirect_uri or None,
            "oauth_extra_params": dict(self.extra),
            "oauth_jwt_user": self.jwt_user or None,
        }


def read_login_settings(settings: Mapping[str, Any]) -> LoginSettings:
    """Read the login settings and their files.

    Args:
        settings: Result of `dashboard.server.settings.read`.

    Raises:
        StudioError: A file cannot be read or is invalid, or a setting is missing.
    """
    if settings["login_file"] and settings["oauth_provider"]:
        raise StudioError("Both a login file and an OAuth provider are set. Set only one of them.")
    names = ("login_file", "oauth_secret_file", "cookie_secret_file")
    files = [Path(settings[name]) for name in names if settings[name]]
    users = Users(Path(settings["login_file"])) if settings["login_file"] else None
    logins = LoginSettings(
        users=users,
        provider=settings["oauth_provider"].lower(),
        key=settings["oauth_key"],
        redirect_uri=settings["oauth_redirect_uri"],
        jwt_user=settings["oauth_jwt_user"],
        extra=_read_json(Path(settings["oauth_extra_file"])) if settings["oauth_extra_file"] else {},
        secret=_read_secret(settings, "oauth_secret"),
        cookie_secret=_read_secret(settings, "cookie_secret"),
        warnings=tuple(filter(None, [*map(_check_permissions, files), _plain_text_warning(users)])),
    )
    if logins.provider:
        _check_provider(logins)
    return logins


def _check_provider(logins: LoginSettings) -> None:
    from panel.auth import AUTH_PROVIDERS  # takes seconds to import

    if logins.provider not in AUTH_PROVIDERS:
        known = ", ".join(sorted(AUTH_PROVIDERS))
        raise StudioError(f"Unknown OAuth provider {logins.provider!r}. Use one of: {known}.")
    if not (logins.key and logins.secret):
        raise StudioError(
            "An OAuth provider needs --oauth-key (CHARRNN_OAUTH_KEY) and --oauth-secret-file "
            "(CHARRNN_OAUTH_SECRET_FILE, or CHARRNN_OAUTH_SECRET)."
        )


def _plain_text_warning(users: Users | None) -> str:
    if users is None or not (plain := users.plain):
        return ""
    return (
        f"Warning: {len(plain)} password(s) in {users.path} are plain text. "
        f"Run: charrnn user convert --login_file {users.path}"
    )


def _check_permissions(path: Path) -> str:
    """Return a warning if others can read a file.

    Raises:
        StudioError: Others can change the file.
    """
    reject_world_writable(path)
    return permission_warning(path)


def _read_secret(settings: Mapping[str, Any], name: str) -> str:
    """Read a secret from its file, else from the environment."""
    if path := settings[f"{name}_file"]:
        return read_secret(Path(path), f"--{name}_file".replace("_", "-"))
    return str(settings[name])


def _read_json(path: Path) -> dict[str, str]:
    try:
        extra = json.loads(read_secret(path, "--oauth-extra-file"))
    except ValueError:
        extra = None  # the message of the error would contain the file's content
    if not isinstance(extra, dict):
        raise StudioError(f'{path} is not a JSON object. Write it as {{"name": "value"}}.')
    return extra
