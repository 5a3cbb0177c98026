"""Numbers and times in words, the same on the command line and in the dashboard."""

import math
from datetime import UTC, datetime


def loss(nats: float | None) -> str:
    """Spell a loss in nats per character; a dash where there is none."""
    return "–" if nats is None else f"{nats:.4f}"


def in_bits(nats: float) -> float:
    """Turn nats into bits."""
    return nats / math.log(2)


def bits(nats: float | None) -> str:
    """Spell a loss of so many nats in bits per character."""
    return "–" if nats is None else f"{in_bits(nats):.4f}"


def both(nats: float) -> str:
    """Spell a loss in nats and in bits."""
    return f"{loss(nats)} nats ({bits(nats)} bits) per character"


def size(num_bytes: int) -> str:
    """Spell a size, e.g. `1.4 MB`."""
    if num_bytes < 1000:
        return f"{num_bytes} bytes"
    unit, factor = ("kB", 10**3) if num_bytes < 10**6 else ("MB", 10**6) if num_bytes < 10**9 else ("GB", 10**9)
    amount = num_bytes / factor
    return f"{amount:.1f} {unit}" if amount < 100 else f"{amount:,.0f} {unit}"


def duration(seconds: float) -> str:
    """Spell a time span, to the second below an hour and to the minute above: `42 s`, `3 min 20 s`, `5 h 7 min`."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days {hours % 24} h"
    if hours:
        return f"{hours} h {minutes_left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def moment(time: datetime | None) -> str:
    """Spell a time of the database (naive UTC) in the time zone of who reads it; empty where there is none."""
    return "" if time is None else time.replace(tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M")
