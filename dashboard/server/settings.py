"""Declare the settings of the dashboard, and read them from flags and environment variables.

A flag takes precedence over its variable, and the variable over the default. The documentation is generated from the
declarations.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from charrnn.core import limits
from charrnn.core.errors import StudioError
from charrnn.core.limits import Limits
from charrnn.core.secret_files import BOOLEANS, parse_boolean, resolve_secret_files


@dataclass(frozen=True)
class Setting:
    """A setting of the dashboard."""

    flag: str
    """Empty for a secret, since flags appear in the process list."""
    variable: str
    help: str
    metavar: str = ""
    default: Any = ""
    kind: type = str
    """`str`, `int`, `bool`, or `tuple` for a flag that may be repeated."""
    aliases: tuple[str, ...] = ()
    """Panel's names of the variable."""

    @property
    def name(self) -> str:
        """Name of the setting in the parsed arguments."""
        return (self.flag.lstrip("-") or self.variable.removeprefix("CHARRNN_").lower()).replace("-", "_")

    @property
    def shown_default(self) -> str:
        """The default as text, for help and documentation; empty if there is none."""
        return "" if self.default in ("", False, None, ()) else str(self.default)


SETTINGS = (
    Setting("--address", "CHARRNN_ADDRESS", "address to listen on", "ADDRESS", "127.0.0.1"),
    Setting("--port", "CHARRNN_PORT", "port to listen on; the next free one if it is in use", "PORT", 5006, int),
    Setting("--home", "CHARRNN_HOME", "data folder (default: the user's data folder)", "FOLDER"),
    Setting(
        "--database", "CHARRNN_DATABASE_URL",
        "URL of the database, without a password in the flag (default: from MYSQL_HOST etc., else SQLite)", "URL",
    ),
    Setting(
        "--database-wait", "CHARRNN_DATABASE_WAIT",
        "seconds to wait for the database at startup", "SECONDS", 0, int,
    ),
    Setting(
        "--allow-host", "CHARRNN_ALLOW_HOSTS",
        "additional host name of this server, such as that of a proxy: NAME for the default ports and --port, "
        "NAME:PORT for one port, https://NAME for a proxy with TLS", "HOST", (), tuple,
    ),
    Setting(
        "--trusted-proxy", "CHARRNN_TRUSTED_PROXIES",
        "address or network of a proxy whose X-Forwarded-For and X-Forwarded-Proto are trusted", "ADDRESS", (), tuple,
    ),
    Setting(
        "--open-to-everybody", "CHARRNN_OPEN_TO_EVERYBODY",
        "accept connections from other machines without a login", "", False, bool,
    ),
    Setting(
        "--login-file", "CHARRNN_LOGIN_FILE",
        "JSON file with a hashed password for each user, written by `charrnn user add`", "FILE",
    ),
    Setting("--oauth-provider", "CHARRNN_OAUTH_PROVIDER", "github, google, gitlab, okta, generic, …", "NAME"),
    Setting(
        "--oauth-key", "CHARRNN_OAUTH_KEY", "client ID that the provider has assigned", "ID",
        aliases=("PANEL_OAUTH_KEY",),
    ),
    Setting("--oauth-secret-file", "CHARRNN_OAUTH_SECRET_FILE", "file with the client secret", "FILE"),
    Setting("", "CHARRNN_OAUTH_SECRET", "the client secret, instead of a file", aliases=("PANEL_OAUTH_SECRET",)),
    Setting(
        "--oauth-redirect-uri", "CHARRNN_OAUTH_REDIRECT_URI", "URL to which the provider redirects users", "URL",
    ),
    Setting(
        "--oauth-jwt-user", "CHARRNN_OAUTH_JWT_USER",
        "field of the provider's response that contains the user name", "KEY",
    ),
    Setting(
        "--oauth-extra-file", "CHARRNN_OAUTH_EXTRA_FILE",
        "JSON file with additional parameters of the provider", "FILE",
    ),
    Setting(
        "--cookie-secret-file", "CHARRNN_COOKIE_SECRET_FILE",
        "file with the secret that signs cookies; with it, logins survive a restart and are valid on several servers",
        "FILE",
    ),
    Setting(
        "", "CHARRNN_COOKIE_SECRET", "the secret that signs cookies, instead of a file",
        aliases=("PANEL_COOKIE_SECRET",),
    ),
    Setting("--verbose", "CHARRNN_VERBOSE", "print the traceback of a startup error", "", False, bool),
)  # fmt: skip
LIMITS = tuple(
    Setting(limits.flag(name), limits.variable(name), f"{means}; 0 for no limit", "N",
            limits.documented_default(name), int)
    for name, means in limits.descriptions().items()
)  # fmt: skip


def add_flags(parser: ArgumentParser) -> None:
    """Add the flag of each setting."""
    for title, settings in (("settings", SETTINGS), ("limits", LIMITS)):
        group = parser.add_argument_group(title)
        for setting in settings:
            if setting.flag:
                _add_flag(group, setting)


def _add_flag(group: Any, setting: Setting) -> None:
    default = f", default {setting.shown_default}" if setting.shown_default else ""
    text = f"{setting.help} ({setting.variable}{default})".replace("%", "%%")
    if setting.kind is bool:
        group.add_argument(setting.flag, action="store_true", default=None, help=text)
    elif setting.kind is tuple:
        group.add_argument(setting.flag, action="append", metavar=setting.metavar, help=text)
    else:
        group.add_argument(setting.flag, metavar=setting.metavar, help=text)


def read(arguments: Namespace, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of all settings by name.

    Args:
        arguments: Parsed flags of `add_flags`; `None` for flags that are not given.
        environ: Environment variables; empty ones are ignored.

    Raises:
        StudioError: A value is invalid, or a file with a secret cannot be read.
    """
    environ = resolve_secret_files(environ)
    values = {setting.name: _value(setting, getattr(arguments, setting.name, None), environ) for setting in SETTINGS}
    given = {setting.name: getattr(arguments, setting.name) for setting in LIMITS}
    values["limits"] = Limits.read(environ, given, server=True)
    values["environ"] = environ
    return values


def is_verbose(arguments: Namespace, environ: Mapping[str, str]) -> bool:
    """Return whether to print tracebacks, even if another setting is invalid."""
    return bool(arguments.verbose) or BOOLEANS.get(environ.get("CHARRNN_VERBOSE", "").lower(), False)


def table() -> str:
    """Return a Markdown table of all settings."""
    lines = ["| flag | variable | default | meaning |", "|---|---|---|---|"]
    for setting in SETTINGS + LIMITS:
        flag = f"`{setting.flag}`" if setting.flag else ""
        meaning = setting.help.replace("|", "\\|")
        # Omit defaults that depend on the machine, which the help text explains: the table must not depend on it.
        default = "" if "default is" in setting.help else setting.shown_default
        lines.append(f"| {flag} | `{setting.variable}` | {default} | {meaning} |")
    return "\n".join(lines)


def _value(setting: Setting, given: Any, environ: Mapping[str, str]) -> Any:
    source, value = setting.flag, given
    if value is None:
        source = next((name for name in (setting.variable, *setting.aliases) if environ.get(name)), "")
        value = environ.get(source)
    if value is None:
        return setting.default
    if setting.kind is tuple:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else tuple(value)
    if setting.kind is bool:
        return value if isinstance(value, bool) else parse_boolean(value, source)
    if setting.kind is int:
        if not (value.isascii() and value.isdigit()):
            raise StudioError(f"{source} is {value!r}; expected a whole number.")
        return int(value)
    return value
