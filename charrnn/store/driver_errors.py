"""Translate every error of a database driver into a `StoreError` that says what to do.

What may heal by itself, or when somebody makes room, is a `StoreUnavailable`. That includes errors of a server that are not
known here: a training can wait for a server that recovers, but not for a program that gave up.
"""

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from charrnn.core.errors import ConstraintError, StoreError, StoreUnavailable
from charrnn.store.database_engine import BUSY_SECONDS

_MYSQL_CONFLICTS = {1205, 1213}  # lock wait timeout, deadlock
_MYSQL_BUSY = {1040, 1203, 1226}  # too many connections: server, user, limit of the account
_MYSQL_FULL = {1021, 1114}
_MYSQL_GONE = {0, 2006, 2013, 2055, 1053, 1317, 1927, 4031}  # also: shuts down, ended the query or the connection
_MYSQL_READ_ONLY = {1290, 1836}
_MYSQL_AWAY = _MYSQL_CONFLICTS | _MYSQL_BUSY | _MYSQL_FULL | _MYSQL_GONE | _MYSQL_READ_ONLY | {2003}
_MYSQL_LASTING = {1130, 1193, 1820, 1862, 2059, 2061, 3118, 3159, 3819, 4151}  # host, account, login, variable, check
_LASTING_STATES = ("0A", "21", "22", "23", "28", "3D", "42", "44")
"""SQLSTATE classes of statements that this server will never accept from this user: syntax, rights, values."""
_SQLITE_AWAY = ("database is locked", "database table is locked", "locking protocol", "disk is full", "disk I/O error")


def is_conflict(error: DBAPIError) -> bool:
    """Tell whether the same transaction may succeed when it is tried again."""
    code, text = _code(error), str(error.orig)
    return code in _MYSQL_CONFLICTS or "database is locked" in text or "database table is locked" in text


def is_duplicate(error: ConstraintError, *, constraint: str, columns: str) -> bool:
    """Tell whether a row broke this unique constraint.

    Args:
        error: What the store raised.
        constraint: Name of the constraint; MySQL says it.
        columns: Its columns as `table.column, table.column`; SQLite says these.
    """
    cause = _cause(error)
    text = str(cause.orig)
    return (_code(cause) == 1062 and constraint in text) or f"UNIQUE constraint failed: {columns}" in text


def is_missing_parent(error: ConstraintError) -> bool:
    """Tell whether a row names another row that is not there."""
    cause = _cause(error)
    return _code(cause) == 1452 or "FOREIGN KEY constraint failed" in str(cause.orig)


def explain(error: SQLAlchemyError, url: URL) -> StoreError:
    """Return the error to raise for one of SQLAlchemy's or of a driver's."""
    if isinstance(error, PoolTimeout):
        return busy(url)
    if not isinstance(error, DBAPIError):
        return StoreError(f"A query of the database {url!r} failed: {_first_line(str(error))}", unexpected=True)
    if isinstance(error, IntegrityError):
        return ConstraintError(
            f"The database {url!r} refused a change: {_words(error)}. Nothing was changed.", unexpected=True
        )
    if url.get_backend_name() == "sqlite":
        return _explain_sqlite(str(error.orig), url)
    # what broke a connection in a way that no code tells is as good as gone
    code = 2013 if error.connection_invalidated and _code(error) not in _MYSQL_AWAY else _code(error)
    return _explain_mysql(code, _words(error), url) or _unknown_to_mysql(error, url)


def busy(url: URL) -> StoreUnavailable:
    """Return the error of a transaction that waited in vain for its turn."""
    return StoreUnavailable(
        f"The database {url!r} has been busy for {BUSY_SECONDS} seconds: all connections of this program are in use. "
        "Try again in a moment; if this does not change, restart this program."
    )


def _unknown_to_mysql(error: DBAPIError, url: URL) -> StoreError:
    code, where = _code(error), f"{url.host or 'localhost'}:{url.port or 3306}"
    number = "an error" if code is None else f"error {code}"
    words = f"The database server at {where} reported {number}: {_words(error).rstrip('.')}."
    # PyMySQL raises InternalError for numbers below 1000, with which a server reports errors of its system
    of_server = isinstance(error, OperationalError | InternalError | InterfaceError)
    state = getattr(error.orig, "sqlstate", None) or ""
    if of_server and code not in _MYSQL_LASTING and not state.startswith(_LASTING_STATES):
        return StoreUnavailable(
            f"{words} Try again in a moment; if this does not change, check the server.", unexpected=True
        )
    return StoreError(f"{words} Check the server's settings and the rights of {url.username!r}.", unexpected=True)


def _cause(error: ConstraintError) -> IntegrityError:
    if not isinstance(error.__cause__, IntegrityError):
        raise TypeError(f"the cause of a {type(error).__name__} is {error.__cause__!r}")
    return error.__cause__


def _code(error: DBAPIError) -> int | None:
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


def _words(error: DBAPIError) -> str:
    """Tell what the server said, without the number that PyMySQL puts before it."""
    arguments = getattr(error.orig, "args", ())
    return _first_line(str(arguments[-1])) if arguments else ""


def _first_line(text: str) -> str:
    return (text.splitlines() or [""])[0]


def _explain_sqlite(text: str, url: URL) -> StoreError:
    locked = "another program holds it. Close that program, or wait, and try again."
    advice = {
        "database is locked": locked,
        "database table is locked": locked,
        "locking protocol": locked,
        "unable to open database file": "it cannot be opened. Check that you may read and write there.",
        "readonly database": "it is read-only. Give yourself the right to write to it and to its folder.",
        "file is not a database": "it is something else. Move that file away, or name another one.",
        "disk image is malformed": "it is damaged. Restore a copy, or save what `sqlite3 FILE .recover` finds.",
        "disk is full": "the disk is full. Free some space and try again; nothing that was stored is lost.",
        "disk I/O error": "the disk cannot be read or written. Check the disk and free space on it.",
        "no such table": "a table is missing. Run `charrnn db upgrade`.",
        "no such column": "a column is missing. Run `charrnn db upgrade`.",
    }
    for sign, what in advice.items():
        if sign in text:
            kind = StoreUnavailable if sign in _SQLITE_AWAY else StoreError
            return kind(f"The database file {url.database}: {what}")
    return StoreError(f"The database file {url.database} reported an error: {_first_line(text)}.", unexpected=True)


def _explain_mysql(code: int | None, text: str, url: URL) -> StoreError | None:
    where = f"{url.host or 'localhost'}:{url.port or 3306}"
    advice: dict[int | None, str] = {
        1044: f"The user {url.username!r} may not use the database {url.database!r} at {where}. "
        "An administrator grants it with sql/create_user.mysql.sql.",
        1045: f"The database server at {where} refused the login of {url.username!r}. Check the user and the password "
        "(MYSQL_USER, MYSQL_PASSWORD, or CHARRNN_DATABASE_URL).",
        1049: f"The server at {where} has no database {url.database!r}. Create it: "
        f"CREATE DATABASE `{url.database}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;",
        1142: f"The user {url.username!r} lacks a right on the database {url.database!r} ({text}). "
        "An administrator grants it with sql/create_user.mysql.sql.",
        1146: f"A table is missing in the database {url.database!r}. Run `charrnn db upgrade`.",
        1054: f"A column is missing in the database {url.database!r}. Run `charrnn db upgrade`.",
        1153: "A row was larger than the server accepts. Raise max_allowed_packet on the server to 16M or more.",
        2026: f"No encrypted connection to the database server at {where} ({text}). Set it up there, or set "
        "MYSQL_SSL=false where the network can be trusted.",
    }
    advice[1698] = advice[1045]
    advice |= dict.fromkeys(
        _MYSQL_READ_ONLY, f"The database server at {where} is read-only now. Connect to the one that takes writes."
    )
    advice |= dict.fromkeys(_MYSQL_CONFLICTS, f"The database at {where} stayed locked. Try again in a moment.")
    advice |= dict.fromkeys(_MYSQL_BUSY, f"The database server at {where} takes no more connections. Try again later.")
    advice |= dict.fromkeys(
        _MYSQL_FULL, f"The database server at {where} is out of disk space. Free some and try again."
    )
    advice |= dict.fromkeys(
        _MYSQL_GONE, f"The connection to the database server at {where} broke. Check that it runs, and try again."
    )
    if code == 2003 and "CERTIFICATE_VERIFY_FAILED" in text:
        return StoreError(
            f"The certificate of the database server at {where} is not trusted. Name the authority that signed it: "
            "put ?ssl_ca=FILE at the end of CHARRNN_DATABASE_URL."
        )
    if code == 2003:
        return StoreUnavailable(
            f"There is no database server at {where} ({text}). Check host and port (MYSQL_HOST, MYSQL_PORT, or "
            "CHARRNN_DATABASE_URL), and that the server runs."
        )
    kind = StoreUnavailable if code in _MYSQL_AWAY else StoreError
    return kind(advice[code]) if code in advice else None
