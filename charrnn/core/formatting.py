"""Format losses, sizes, durations and dates for the command line and the dashboard."""

import math
from datetime import UTC, datetime


def loss(nats: float | None) -> str:
    """Format a loss in nats per character; an en dash for `None`."""
    return "–" if nats is None else f"{nats:.4f}"


def nats_to_bits(nats: float) -> float:
    """Convert nats to bits."""
    return nats / math.log(2)


def bits(nats: float | None) -> str:
    """Format a loss, given in nats, in bits per character; an en dash for `None`."""
    return "–" if nats is None else f"{nats_to_bits(nats):.4f}"


def loss_with_units(nats: float) -> str:
    """Format a loss in nats and in bits, with units."""
    return f"{loss(nats)} nats ({bits(nats)} bits) per character"


def percent(share: float | None) -> str:
    """Format a share from 0 to 1, e.g. `3.2 %`; an en dash for `None`."""
    if share is None:
        return "–"
    return f"{100 * share:.0f} %" if share == 0 or share >= 0.0995 else f"{100 * share:.1f} %"


def copies_summary(share: float, min_length: int, unseen_share: float | None) -> str:
    """Say how much of a text is copied from the training text, compared with the user's own unseen text.

    Args:
        share: Share of the text that is copied, from 0 to 1.
        min_length: Number of characters from which a stretch counts as copied.
        unseen_share: The same share for the validation split; `None` if there is none.
    """
    unseen = f"{percent(unseen_share)} for your own unseen text"
    if unseen_share is None:
        unseen = "without a validation split, there is no unseen text to compare with"
    return f"{percent(share)} copied in stretches of ≥ {min_length} characters; {unseen}"


def size(num_bytes: int) -> str:
    """Format a size in bytes, e.g. `1.4 MB`."""
    if num_bytes < 1000:
        return f"{num_bytes} bytes"
    unit, factor = ("kB", 10**3) if num_bytes < 10**6 else ("MB", 10**6) if num_bytes < 10**9 else ("GB", 10**9)
    amount = num_bytes / factor
    return f"{amount:.1f} {unit}" if amount < 100 else f"{amount:,.0f} {unit}"


def duration(seconds: float) -> str:
    """Format a duration: `42 s`, `3 min 20 s`, `5 h 7 min`, `2 days 4 h`."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days {hours % 24} h"
    if hours:
        return f"{hours} h {minutes_left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def rounded_duration(seconds: float) -> str:
    """Format an estimated duration in one unit: `40 s`, `4 min`, `3 h`, `2 days`."""
    if seconds < 55:
        return f"{max(10, 10 * round(seconds / 10))} s"
    if seconds < 90 * 60:
        return f"{max(1, round(seconds / 60))} min"
    return f"{round(seconds / 3600)} h" if seconds < 48 * 3600 else f"{round(seconds / 86400)} days"


def ordinal(number: int) -> str:
    """Format a position: `1st`, `2nd`, `11th`, `23rd`."""
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{suffix}"


def local_time(time: datetime | None) -> str:
    """Format a time of the database (naive UTC) in the local time zone; empty for `None`."""
    return "" if time is None else time.replace(tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M")
