"""Declare the settings of the dashboard, from which flags, environment variables and documentation follow.

A flag takes precedence over its variable, and the variable over the default.
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
    """One setting."""

    flag: str
    """Empty for a secret, since flags appear in the process list."""
    variable: str
    help: str
    metavar: str = ""
    default: Any = ""
    kind: type = str
    """`str`, `int`, `bool`, or `tuple` for one that may be given several times."""
    aliases: tuple[str, ...] = ()
    """Panel's variables for the same setting."""

    @property
    def name(self) -> str:
        """Attribute of the parsed arguments."""
        return (self.flag.lstrip("-") or self.variable.removeprefix("CHARRNN_").lower()).replace("-", "_")

    @property
    def shown_default(self) -> str:
        """The default, for help and tables."""
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
        "seconds to wait at startup for the database to respond", "SECONDS", 0, int,
    ),
    Setting(
        "--allow-host", "CHARRNN_ALLOW_HOSTS",
        "another host name of this server, such as that of a proxy: NAME for the default ports and --port, "
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
        "--oauth-key", "CHARRNN_OAUTH_KEY", "client ID with the provider", "ID",
        aliases=("PANEL_OAUTH_KEY",),
    ),
    Setting("--oauth-secret-file", "CHARRNN_OAUTH_SECRET_FILE", "file with the client secret", "FILE"),
    Setting("", "CHARRNN_OAUTH_SECRET", "the secret itself", aliases=("PANEL_OAUTH_SECRET",)),
    Setting(
        "--oauth-redirect-uri", "CHARRNN_OAUTH_REDIRECT_URI", "URL to which the provider redirects users", "URL",
    ),
    Setting("--oauth-jwt-user", "CHARRNN_OAUTH_JWT_USER", "field of the provider's response with the user name", "KEY"),
    Setting(
        "--oauth-extra-file", "CHARRNN_OAUTH_EXTRA_FILE", "JSON file with further parameters of the provider", "FILE",
    ),
    Setting(
        "--cookie-secret-file", "CHARRNN_COOKIE_SECRET_FILE",
        "file with the secret that signs cookies, for logins that survive a restart or span several servers",
        "FILE",
    ),
    Setting("", "CHARRNN_COOKIE_SECRET", "the secret itself", aliases=("PANEL_COOKIE_SECRET",)),
    Setting("--verbose", "CHARRNN_VERBOSE", "print the traceback of an error at startup", "", False, bool),
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
        for each in settings:
            if each.flag:
                _add(group, each)


def _add(group: Any, each: Setting) -> None:
    default = f", default {each.shown_default}" if each.shown_default else ""
    words = f"{each.help} ({each.variable}{default})".replace("%", "%%")
    if each.kind is bool:
        group.add_argument(each.flag, action="store_true", default=None, help=words)
    elif each.kind is tuple:
        group.add_argument(each.flag, action="append", metavar=each.metavar, help=words)
    else:
        group.add_argument(each.flag, metavar=each.metavar, help=words)


def read(arguments: Namespace, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of all settings by name.

    Args:
        arguments: Result of a parser with `add_flags`; `None` for flags that are not given.
        environ: Environment variables; empty ones count as missing.

    Raises:
        StudioError: A value is invalid, or a file with a secret cannot be read.
    """
    environ = resolve_secret_files(environ)
    values = {each.name: _value(each, getattr(arguments, each.name, None), environ) for each in SETTINGS}
    given = {each.name: getattr(arguments, each.name) for each in LIMITS}
    values["limits"] = Limits.read(environ, given, server=True)
    values["environ"] = environ
    return values


def is_verbose(arguments: Namespace, environ: Mapping[str, str]) -> bool:
    """Return whether to print tracebacks, even if another setting is invalid."""
    return bool(arguments.verbose) or BOOLEANS.get(environ.get("CHARRNN_VERBOSE", "").lower(), False)


def table() -> str:
    """Return a Markdown table of all settings."""
    lines = ["| flag | variable | default | meaning |", "|---|---|---|---|"]
    for each in SETTINGS + LIMITS:
        flag = f"`{each.flag}`" if each.flag else ""
        means = each.help.replace("|", "\\|")
        # The table is the same on every machine; help texts explain defaults that depend on the machine.
        default = "" if "default is" in each.help else each.shown_default
        lines.append(f"| {flag} | `{each.variable}` | {default} | {means} |")
    return "\n".join(lines)


def _value(each: Setting, given: Any, environ: Mapping[str, str]) -> Any:
    source, value = each.flag, given
    if value is None:
        source = next((name for name in (each.variable, *each.aliases) if environ.get(name)), "")
        value = environ.get(source)
    if value is None:
        return each.default
    if each.kind is tuple:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else tuple(value)
    if each.kind is bool:
        return value if isinstance(value, bool) else parse_boolean(value, source)
    if each.kind is int:
        if not (value.isascii() and value.isdigit()):
            raise StudioError(f"{source} is {value!r}; expected a whole number.")
        return int(value)
    return value
