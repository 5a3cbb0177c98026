"""Who may come in, and who somebody is: Panel's logins, with every secret from a file or the environment.

A secret is never a flag, since flags are seen by everybody who lists the processes of a machine.
"""

import json
import secrets
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charrnn.core.errors import StudioError

ASSETS = Path(__file__).parent / "assets"
LONGEST_USER = 200


@dataclass(frozen=True)
class Logins:
    """How visitors say who they are; false where nobody is asked."""

    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Passwords by user."""
    provider: str = ""
    """One of Panel's OAuth providers, such as `github` or `google`."""
    key: str = ""
    redirect_uri: str = ""
    jwt_user: str = ""
    """Entry of the provider's answer that says who it is; Panel's choice if empty."""
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: str = field(default="", repr=False)
    cookie_secret: str = field(default="", repr=False)
    encryption_key: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.users or self.provider)

    @property
    def options(self) -> dict[str, Any]:
        """What `panel.serve` needs to know."""
        if not self:
            return {}
        common = {
            # without one of the operator's, everybody logs in again after a restart
            "cookie_secret": self.cookie_secret or secrets.token_urlsafe(32),
            "login_template": str(ASSETS / "login.html"),
            "logout_template": str(ASSETS / "logout.html"),
            "oauth_error_template": str(ASSETS / "refused.html"),  # Panel's own asks another server for a font
            "oauth_optional": False,
            "oauth_guest_endpoints": [],
        }
        if self.users:
            return {**common, "basic_auth": dict(self.users)}
        return {
            **common, "oauth_provider": self.provider, "oauth_key": self.key, "oauth_secret": self.secret,
            "oauth_redirect_uri": self.redirect_uri or None, "oauth_extra_params": dict(self.extra),
            "oauth_jwt_user": self.jwt_user or None, "oauth_encryption_key": self.encryption_key or None,
        }  # fmt: skip


def add_flags(parser: ArgumentParser) -> None:
    """Take what `read` reads."""
    group = parser.add_argument_group("logins (secrets come from files or the environment, never from flags)")
    group.add_argument("--login-file", metavar="FILE", help='JSON with a password for each user: {"ada": "…", …}')
    group.add_argument("--oauth-provider", metavar="NAME", default="", help="github, google, gitlab, okta, …")
    group.add_argument("--oauth-key", metavar="ID", default="", help="this program's public id with the provider")
    group.add_argument(
        "--oauth-secret-file", metavar="FILE", help="its secret with the provider (or set PANEL_OAUTH_SECRET)"
    )
    group.add_argument("--oauth-redirect-uri", metavar="URL", default="", help="where the provider sends visitors back")
    group.add_argument("--oauth-jwt-user", metavar="KEY", default="", help="entry of the answer that names the user")
    group.add_argument("--oauth-extra-file", metavar="FILE", help="JSON with what else the provider needs to be told")
    group.add_argument(
        "--cookie-secret-file", metavar="FILE",
        help="what cookies are signed with, so that logins outlive a restart (or set PANEL_COOKIE_SECRET)",
    )  # fmt: skip


def read(arguments: Namespace, environ: Mapping[str, str]) -> Logins:
    """Read files, flags and the environment.

    Raises:
        StudioError: A file cannot be read or holds something else, or something is missing.
    """
    if arguments.login_file and arguments.oauth_provider:
        raise StudioError("Both --login-file and --oauth-provider are given. Choose one way to log in.")
    logins = Logins(
        users=_users(Path(arguments.login_file)) if arguments.login_file else {},
        provider=arguments.oauth_provider.lower(),
        key=arguments.oauth_key or environ.get("PANEL_OAUTH_KEY", ""),
        redirect_uri=arguments.oauth_redirect_uri,
        jwt_user=arguments.oauth_jwt_user,
        extra=_json(Path(arguments.oauth_extra_file)) if arguments.oauth_extra_file else {},
        secret=_secret(arguments.oauth_secret_file, environ.get("PANEL_OAUTH_SECRET", "")),
        cookie_secret=_secret(arguments.cookie_secret_file, environ.get("PANEL_COOKIE_SECRET", "")),
        encryption_key=environ.get("PANEL_OAUTH_ENCRYPTION", ""),
    )
    if logins.provider:
        from panel.auth import AUTH_PROVIDERS  # takes seconds

        if logins.provider not in AUTH_PROVIDERS:
            known = ", ".join(sorted(AUTH_PROVIDERS))
            raise StudioError(f"There is no OAuth provider {logins.provider!r}; there are {known}.")
        if not (logins.key and logins.secret):
            raise StudioError(
                "An OAuth provider needs --oauth-key, and its secret in --oauth-secret-file or PANEL_OAUTH_SECRET."
            )
    return logins


def _users(path: Path) -> dict[str, str]:
    users = _json(path)
    for user, password in users.items():
        if not user.strip() or len(user) > LONGEST_USER or not isinstance(password, str) or not password:
            raise StudioError(
                f"The user {user[:LONGEST_USER]!r} in {path} cannot be taken: a name has 1 to {LONGEST_USER} "
                f"characters, a password is a text that is not empty."
            )
    if not users:
        raise StudioError(f'{path} names no users. Write them as {{"ada": "her password"}}.')
    return users


def _json(path: Path) -> dict[str, str]:
    try:
        found = json.loads(_text(path))
    except ValueError:
        found = None  # the error would show what the file holds
    if not isinstance(found, dict):
        raise StudioError(f'{path} is no JSON object. Write it as {{"name": "value"}}.')
    return found


def _secret(path: str | None, otherwise: str) -> str:
    return _text(Path(path)).strip() if path else otherwise


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise StudioError(f"{path} cannot be read: {words}. Check the name, and who may read it.") from None
