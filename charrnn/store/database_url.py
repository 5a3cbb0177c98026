"""Where the database is: one URL, from the environment or as the user wrote it. Opens nothing."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from charrnn.core.errors import StoreError

_FORMS = "sqlite:////folder/charrnn.sqlite3 or mysql://user:password@host:3306/database"
_ARTICLE = ("MYSQL_HOST", "MYSQL_PORT", "MYSQL_USER", "MYSQL_PASSWORD", "MYSQL_DATABASE", "MYSQL_SSL")
# What else the drivers take would change how transactions work, or show a password where the URL is shown.
_SETTINGS = ("tls", "ssl_ca", "ssl_cert", "ssl_key", "charset", "unix_socket")
_YES_NO = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def url_from_environment(environ: Mapping[str, str], home: Path) -> URL:
    """Tell which database the environment asks for.

    `CHARRNN_DATABASE_URL` comes first; then the article's `MYSQL_HOST`, `MYSQL_PORT`, `MYSQL_USER`, `MYSQL_PASSWORD`,
    `MYSQL_DATABASE` and `MYSQL_SSL`, as soon as one of them has a value; else a SQLite file in `home`.

    Args:
        environ: Usually `os.environ`. Empty values count as missing.
        home: The data folder.

    Returns:
        A URL whose `repr` hides the password.

    Raises:
        StoreError: A value cannot be understood.
    """
    if url := environ.get("CHARRNN_DATABASE_URL"):
        return parse_url(url)
    if not any(environ.get(name) for name in _ARTICLE):
        return URL.create("sqlite", database=str(home / "charrnn.sqlite3"))
    port = environ.get("MYSQL_PORT") or "3306"
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise StoreError(f"MYSQL_PORT is {port!r}, but a port is a whole number from 1 to 65535. Set it to 3306.")
    tls = _YES_NO.get((environ.get("MYSQL_SSL") or "false").strip().lower())
    if tls is None:
        raise StoreError(f"MYSQL_SSL is {environ['MYSQL_SSL']!r}, but it must be true or false.")
    return URL.create(
        "mysql+pymysql",
        username=environ.get("MYSQL_USER") or "root",
        password=environ.get("MYSQL_PASSWORD", ""),
        host=environ.get("MYSQL_HOST") or "localhost",
        port=int(port),
        database=environ.get("MYSQL_DATABASE") or "rnn_generator",
        query={"tls": "verify"} if tls else {},
    )


def parse_url(url: str | URL) -> URL:
    """Read a database URL.

    `mysql://` and `mariadb://` mean MySQL and MariaDB through PyMySQL. With `?tls=verify` the connection must be
    encrypted and the server's certificate valid; `?ssl_ca=FILE` does the same with an authority of one's own.

    Raises:
        StoreError: It is no URL, or one of a database that this program does not know.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The cause would show the text, and with it perhaps a password.
        raise StoreError(
            f"The database URL cannot be read. Write it as {_FORMS}; in the password, write @ / : % as %40 %2F %3A %25."
        ) from None
    kind, _, driver = parsed.drivername.partition("+")
    if kind == "sqlite" and driver in ("", "pysqlite"):
        return parsed.set(drivername="sqlite")
    if kind in ("mysql", "mariadb") and driver in ("", "pymysql"):
        _check_server(parsed)
        return parsed.set(drivername="mysql+pymysql")
    raise StoreError(f"The database URL begins with {parsed.drivername}://, which is not known. Write it as {_FORMS}.")


def _check_server(url: URL) -> None:
    if unknown := url.query.keys() - set(_SETTINGS):
        raise StoreError(
            f"The database URL has the setting {', '.join(sorted(unknown))} after its question mark; known there are "
            f"{', '.join(_SETTINGS)}. Write it as {_FORMS}."
        )
    if not url.database:
        raise StoreError(f"The database URL {url!r} names no database. Write it as {_FORMS}.")
    if url.query.get("tls", "verify") != "verify":
        raise StoreError(f"The database URL has tls={url.query['tls']}, but only tls=verify is known.")
    if not 0 < (3306 if url.port is None else url.port) < 65536:
        raise StoreError(f"The database URL has port {url.port}, but a port is a whole number from 1 to 65535.")
