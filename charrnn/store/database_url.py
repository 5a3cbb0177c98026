"""Read the database URL from the environment, and parse and validate database URLs."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from charrnn.core.errors import StoreError
from charrnn.core.secret_files import BOOLEANS

_FORMS = "sqlite:////folder/charrnn.sqlite3 or mysql://user:password@host:3306/database"
_ARTICLE = ("MYSQL_HOST", "MYSQL_PORT", "MYSQL_USER", "MYSQL_PASSWORD", "MYSQL_DATABASE", "MYSQL_SSL")
# Other settings could change the behavior of transactions, or reveal a password when the URL is shown.
_SETTINGS = ("tls", "ssl_ca", "ssl_cert", "ssl_key", "charset", "unix_socket")


def url_from_environment(environ: Mapping[str, str], home: Path) -> URL:
    """Return the URL of the database that the environment selects.

    `CHARRNN_DATABASE_URL` has priority, followed by the article's variables `MYSQL_HOST`, `MYSQL_PORT`, `MYSQL_USER`,
    `MYSQL_PASSWORD`, `MYSQL_DATABASE` and `MYSQL_SSL`, if any of them is set. The default is a SQLite file in `home`.

    Args:
        environ: Usually `os.environ`. Empty values count as unset.
        home: The data folder.

    Returns:
        A URL whose `repr` hides the password.

    Raises:
        StoreError: A value is invalid.
    """
    if url := environ.get("CHARRNN_DATABASE_URL"):
        return parse_url(url)
    if not any(environ.get(name) for name in _ARTICLE):
        return URL.create("sqlite", database=str(home / "charrnn.sqlite3"))
    port = environ.get("MYSQL_PORT") or "3306"
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise StoreError(f"MYSQL_PORT is {port!r}; expected a whole number from 1 to 65535. The usual port is 3306.")
    tls = BOOLEANS.get((environ.get("MYSQL_SSL") or "false").strip().lower())
    if tls is None:
        raise StoreError(f"MYSQL_SSL is {environ['MYSQL_SSL']!r}; expected true or false.")
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
    """Parse a database URL.

    `mysql://` and `mariadb://` connect to MySQL and MariaDB with PyMySQL. `?tls=verify` requires an encrypted
    connection and a valid server certificate; `?ssl_ca=FILE` does the same with your own certificate authority.

    Raises:
        StoreError: The URL is invalid, or its database is not supported.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The cause is suppressed, because it contains the URL and therefore possibly a password.
        raise StoreError(
            f"The database URL is invalid. Use the form {_FORMS}; in the password, write @ / : % as %40 %2F %3A %25."
        ) from None
    kind, _, driver = parsed.drivername.partition("+")
    if kind == "sqlite" and driver in ("", "pysqlite"):
        return parsed.set(drivername="sqlite")
    if kind in ("mysql", "mariadb") and driver in ("", "pymysql"):
        _check_server(parsed)
        return parsed.set(drivername="mysql+pymysql")
    raise StoreError(f"The database URL starts with {parsed.drivername}://, which is not supported. Use {_FORMS}.")


def _check_server(url: URL) -> None:
    if unknown := url.query.keys() - set(_SETTINGS):
        raise StoreError(
            f"The database URL has the unknown setting {', '.join(sorted(unknown))} after the question mark; expected "
            f"one of {', '.join(_SETTINGS)}. Use the form {_FORMS}."
        )
    if not url.database:
        raise StoreError(f"The database URL {url!r} has no database name. Use the form {_FORMS}.")
    if url.query.get("tls", "verify") != "verify":
        raise StoreError(f"The database URL has tls={url.query['tls']}; expected tls=verify.")
    if not 0 < (3306 if url.port is None else url.port) < 65536:
        raise StoreError(f"The database URL has port {url.port}; expected a whole number from 1 to 65535.")
