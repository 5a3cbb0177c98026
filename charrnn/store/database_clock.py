"""The database's clock as SQL expressions: naive UTC, with microseconds where the database has them.

Leases must not depend on the clocks of the machines that train, so every time that the store writes is one of these.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import DateTime
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

SQLITE_FUNCTION = "charrnn_utc"
"""SQLite's own `now` ends at milliseconds; the store gives each connection this function instead."""


def sqlite_utc(seconds: float) -> str:
    """Tell the time that lies `seconds` from now, as SQLAlchemy writes times into SQLite."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


class utc_after(FunctionElement[datetime]):  # noqa: N801  an SQL function, written as one
    """The database's time `seconds` from now.

    Args:
        seconds: How far ahead; a fraction of a second counts.
    """

    name = "utc_after"
    inherit_cache = True
    type = DateTime()

    def __init__(self, seconds: float):
        super().__init__(seconds)


def utc_now() -> utc_after:
    """The database's time now."""
    return utc_after(0.0)


class utc_default(FunctionElement[datetime]):  # noqa: N801
    """Default of a time column for rows that are written by hand, where SQLite has built-in functions only."""

    name = "utc_default"
    inherit_cache = True
    type = DateTime()


@compiles(utc_after, "sqlite")
def _after_on_sqlite(element: utc_after, compiler: Any, **how: Any) -> str:
    return f"{SQLITE_FUNCTION}({compiler.process(element.clauses, **how)})"


@compiles(utc_after, "mysql")
def _after_on_mysql(element: utc_after, compiler: Any, **how: Any) -> str:
    seconds = compiler.process(element.clauses, **how)
    return f"TIMESTAMPADD(MICROSECOND, ROUND({seconds} * 1000000), UTC_TIMESTAMP(6))"


@compiles(utc_default, "sqlite")
def _default_on_sqlite(element: utc_default, compiler: Any, **how: Any) -> str:
    return "(strftime('%Y-%m-%d %H:%M:%f', 'now'))"


@compiles(utc_default, "mysql")
def _default_on_mysql(element: utc_default, compiler: Any, **how: Any) -> str:
    return "(UTC_TIMESTAMP(6))"
