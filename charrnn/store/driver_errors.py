"""Translate the errors of database drivers to `StoreError`, with advice for the user.

Errors that are temporary, or disappear when disk space is freed, become `StoreUnavailable`. Unknown server errors do,
too, because retrying a permanent error does less harm than ending a training after a temporary one.
"""

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from charrnn.core.errors import ConstraintError, StoreError, StoreUnavailable
from charrnn.store.database_engine import BUSY_SECONDS

_MYSQL_CONFLICTS = {1205, 1213}  # lock wait timeout, deadlock
_MYSQL_BUSY = {1040, 1203, 1226}  # too many connections: server, user, account limit
_MYSQL_FULL = {1021, 1114}
_MYSQL_GONE = {0, 2006, 2013, 2055, 1053, 1317, 1927, 4031}  # also: shutdown, query or connection was killed
_MYSQL_READ_ONLY = {1290, 1836}
_MYSQL_UNAVAILABLE = _MYSQL_CONFLICTS | _MYSQL_BUSY | _MYSQL_FULL | _MYSQL_GONE | _MYSQL_READ_ONLY | {2003}
_MYSQL_PERMANENT = {1130, 1193, 1820, 1862, 2059, 2061, 3118, 3159, 3819, 4151}  # host, account, login, variable, check
_PERMANENT_STATES = ("0A", "21", "22", "23", "28", "3D", "42", "44")
"""SQLSTATE classes of statements that this server never accepts from this user: syntax, privileges, values."""
_SQLITE_UNAVAILABLE = (
    "database is locked",
    "database table is locked",
    "locking protocol",
    "disk is full",
    "disk I/O error",
)


def is_conflict(error: DBAPIError) -> bool:
    """Return whether a retry of the same transaction may succeed."""
    code, text = _code(error), str(error.orig)
    return code in _MYSQL_CONFLICTS or "database is locked" in text or "database table is locked" in text


def is_duplicate(error: ConstraintError, *, constraint: str, columns: str) -> bool:
    """Return whether an error reports the violation of a unique constraint.

    Args:
        error: The error raised by `Database.write`.
        constraint: Name of the constraint, as reported by MySQL.
        columns: Its columns as `table.column, table.column`, as reported by SQLite.
    """
    cause = _cause(error)
    text = str(cause.orig)
    return (_code(cause) == 1062 and constraint in text) or f"UNIQUE constraint failed: {columns}" in text


def is_missing_parent(error: ConstraintError) -> bool:
    """Return whether an error reports a reference to a row that does not exist."""
    cause = _cause(error)
    return _code(cause) == 1452 or "FOREIGN KEY constraint failed" in str(cause.orig)


def translate(error: SQLAlchemyError, url: URL) -> StoreError:
    """Translate an error of SQLAlchemy or a driver."""
    if isinstance(error, PoolTimeout):
        return busy(url)
    if not isinstance(error, DBAPIError):
        return StoreError(f"A query of the database {url!r} failed: {_first_line(str(error))}", unexpected=True)
    if isinstance(error, IntegrityError):
        return ConstraintError(
            f"The database {url!r} rejected a change: {_message(error)}. Nothing was changed.", unexpected=True
        )
    if url.get_backend_name() == "sqlite":
        return _translate_sqlite(str(error.orig), url)
    # An unknown error that invalidated the connection counts as a lost connection.
    code = 2013 if error.connection_invalidated and _code(error) not in _MYSQL_UNAVAILABLE else _code(error)
    return _translate_mysql(code, _message(error), url) or _unknown_mysql_error(error, url)


def busy(url: URL) -> StoreUnavailable:
    """Return the error for a transaction that waited too long for a connection or the write lock."""
    return StoreUnavailable(
        f"The database {url!r} has been busy for {BUSY_SECONDS} seconds: all connections of this program are in use. "
        "Try again in a moment; if this persists, restart this program."
    )


def _unknown_mysql_error(error: DBAPIError, url: URL) -> StoreError:
    code, where = _code(error), f"{url.host or 'localhost'}:{url.port or 3306}"
    number = "an error" if code is None else f"error {code}"
    message = f"The database server at {where} reported {number}: {_message(error).rstrip('.')}."
    # PyMySQL raises InternalError for codes below 1000, which servers use for errors of their operating system.
    of_server = isinstance(error, OperationalError | InternalError | InterfaceError)
    state = getattr(error.orig, "sqlstate", None) or ""
    if of_server and code not in _MYSQL_PERMANENT and not state.startswith(_PERMANENT_STATES):
        return StoreUnavailable(
            f"{message} Try again in a moment; if this persists, check the server.", unexpected=True
        )
    return StoreError(f"{message} Check the server's settings and the privileges of {url.username!r}.", unexpected=True)


def _cause(error: ConstraintError) -> IntegrityError:
    if not isinstance(error.__cause__, IntegrityError):
        raise TypeError(f"the cause of a {type(error).__name__} is {error.__cause__!r}")
    return error.__cause__


def _code(error: DBAPIError) -> int | None:
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


def _message(error: DBAPIError) -> str:
    """Return the server's message, without the code that PyMySQL puts before it."""
    arguments = getattr(error.orig, "args", ())
    return _first_line(str(arguments[-1])) if arguments else ""


def _first_line(text: str) -> str:
    return (text.splitlines() or [""])[0]


def _translate_sqlite(text: str, url: URL) -> StoreError:
    locked = "another program holds its lock. Close that program, or wait, and try again."
    advice = {
        "database is locked": locked,
        "database table is locked": locked,
        "locking protocol": locked,
        "unable to open database file": "it cannot be opened. Check the permissions of the file and its folder.",
        "readonly database": "it is read-only. Make the file and its folder writable for yourself.",
        "file is not a database": "it is not a SQLite database. Move that file away, or choose another file.",
        "disk image is malformed": "it is damaged. Restore a backup, or save what `sqlite3 FILE .recover` finds.",
        "disk is full": "the disk is full. Free some space and try again; no stored data is lost.",
        "disk I/O error": "the disk cannot be read or written. Check the disk and its free space.",
        "no such table": "a table is missing. Run `charrnn db upgrade`.",
        "no such column": "a column is missing. Run `charrnn db upgrade`.",
    }
    for pattern, what in advice.items():
        if pattern in text:
            kind = StoreUnavailable if pattern in _SQLITE_UNAVAILABLE else StoreError
            return kind(f"The database file {url.database}: {what}")
    return StoreError(f"The database file {url.database} reported an error: {_first_line(text)}.", unexpected=True)


def _translate_mysql(code: int | None, text: str, url: URL) -> StoreError | None:
    where = f"{url.host or 'localhost'}:{url.port or 3306}"
    advice: dict[int | None, str] = {
        1044: f"The user {url.username!r} has no access to the database {url.database!r} at {where}. "
        "An administrator can grant it with sql/create_user.mysql.sql.",
        1045: f"The database server at {where} rejected the login of {url.username!r}. Check the user and the password "
        "(MYSQL_USER, MYSQL_PASSWORD, or CHARRNN_DATABASE_URL).",
        1049: f"The server at {where} has no database {url.database!r}. Create it: "
        f"CREATE DATABASE `{url.database}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;",
        1142: f"The user {url.username!r} lacks a privilege on the database {url.database!r} ({text}). "
        "An administrator can grant it with sql/create_user.mysql.sql.",
        1146: f"A table is missing in the database {url.database!r}. Run `charrnn db upgrade`.",
        1054: f"A column is missing in the database {url.database!r}. Run `charrnn db upgrade`.",
        1153: "A row is larger than the server accepts. Raise max_allowed_packet on the server to 16M or more.",
        2026: f"No encrypted connection to the database server at {where} ({text}). Set up TLS on the server, or set "
        "MYSQL_SSL=false if the network is trusted.",
    }
    advice[1698] = advice[1045]
    advice |= dict.fromkeys(
        _MYSQL_READ_ONLY, f"The database server at {where} is read-only now. Connect to the primary server."
    )
    advice |= dict.fromkeys(_MYSQL_CONFLICTS, f"The database at {where} stayed locked. Try again in a moment.")
    advice |= dict.fromkeys(_MYSQL_BUSY, f"The database server at {where} has too many connections. Try again later.")
    advice |= dict.fromkeys(
        _MYSQL_FULL, f"The database server at {where} is out of disk space. Free some space and try again."
    )
    advice |= dict.fromkeys(
        _MYSQL_GONE, f"The connection to the database server at {where} was lost. Check that it runs, and try again."
    )
    if code == 2003 and "CERTIFICATE_VERIFY_FAILED" in text:
        return StoreError(
            f"The certificate of the database server at {where} is not trusted. Specify the authority that signed it: "
            "append ?ssl_ca=FILE to CHARRNN_DATABASE_URL."
        )
    if code == 2003:
        return StoreUnavailable(
            f"No database server responds at {where} ({text}). Check host and port (MYSQL_HOST, MYSQL_PORT, or "
            "CHARRNN_DATABASE_URL), and that the server runs."
        )
    kind = StoreUnavailable if code in _MYSQL_UNAVAILABLE else StoreError
    return kind(advice[code]) if code in advice else None
