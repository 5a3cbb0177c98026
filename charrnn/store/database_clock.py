"""Read the database's clock in SQL, as naive UTC with microseconds.

Leases must not depend on the clocks of the machines that train, so the store takes all times from the database.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import DateTime
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

SQLITE_FUNCTION = "charrnn_utc"
"""Name of the function that each SQLite connection gets, because SQLite's `now` has a resolution of milliseconds."""


def sqlite_utc(seconds: float) -> str:
    """Return the time `seconds` from now, formatted as SQLAlchemy stores it in SQLite."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


class utc_after(FunctionElement[datetime]):  # noqa: N801  named like an SQL function
    """SQL expression of the database's time `seconds` from now.

    Args:
        seconds: May have a fraction.
    """

    name = "utc_after"
    inherit_cache = True
    type = DateTime()

    def __init__(self, seconds: float):
        super().__init__(seconds)


def utc_now() -> utc_after:
    """Return an expression for the database's current time."""
    return utc_after(0.0)


class utc_default(FunctionElement[datetime]):  # noqa: N801
    """Default of a time column, for rows inserted by hand; SQLite allows only built-in functions in defaults."""

    name = "utc_default"
    inherit_cache = True
    type = DateTime()


@compiles(utc_after, "sqlite")
def _after_on_sqlite(element: utc_after, compiler: Any, **kwargs: Any) -> str:
    return f"{SQLITE_FUNCTION}({compiler.process(element.clauses, **kwargs)})"


@compiles(utc_after, "mysql")
def _after_on_mysql(element: utc_after, compiler: Any, **kwargs: Any) -> str:
    seconds = compiler.process(element.clauses, **kwargs)
    return f"TIMESTAMPADD(MICROSECOND, ROUND({seconds} * 1000000), UTC_TIMESTAMP(6))"


@compiles(utc_default, "sqlite")
def _default_on_sqlite(element: utc_default, compiler: Any, **kwargs: Any) -> str:
    return "(strftime('%Y-%m-%d %H:%M:%f', 'now'))"


@compiles(utc_default, "mysql")
def _default_on_mysql(element: utc_default, compiler: Any, **kwargs: Any) -> str:
    return "(UTC_TIMESTAMP(6))"
