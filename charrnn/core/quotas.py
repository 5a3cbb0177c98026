"""The limits of a server, each declared once, with its default, its flag and its environment variable.

On one's own machine, in a notebook or on the command line, only what is set in the environment is limited; a dashboard
limits what one visitor could take from the others.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from charrnn.core.errors import LimitReached, StudioError
from charrnn.core.system_resources import memory_bytes, num_processors

MEMORY_SHARE = 0.6
"""Of the machine's memory, for one training; the rest is for pages, writing and the system."""


def _limit(means: str, server: Callable[[], int], default: int = 0, *, shown: str = "") -> Any:
    """Declare a limit.

    Args:
        means: For help texts and tables.
        server: Returns its default on a dashboard, which may depend on the machine.
        default: Its default elsewhere.
        shown: The dashboard's default in words, if it depends on the machine.
    """
    return field(default=default, metadata={"means": means, "server": server, "shown": shown})


@dataclass(frozen=True)
class Limits:
    """Upper limits; 0 is none."""

    max_upload_mb: int = _limit("largest text that can be uploaded, in MB", lambda: 50, 50)
    max_parameters: int = _limit("largest number of weights of a network", lambda: 100_000_000)
    max_memory_mb: int = _limit(
        "largest memory of a training, as estimated before it starts, in MB",
        lambda: int(memory_bytes() * MEMORY_SHARE / 1e6),
        shown=f"{MEMORY_SHARE:.0%} of the machine or container",
    )
    max_sample_length: int = _limit("largest number of characters that are generated at once", lambda: 100_000)
    max_log_lines: int = _limit("largest number of lines that a training may log", lambda: 1_000_000)
    max_trainings: int = _limit(
        "largest number of trainings that run in this process at the same time",
        lambda: max(2, num_processors()),
        shown="the number of processors, at least 2",
    )
    max_disk_mb: int = _limit("largest room on disk for the texts and models of one user, in MB", lambda: 0)

    @classmethod
    def read(
        cls, environ: Mapping[str, str], given: Mapping[str, int | None] | None = None, *, server: bool = False
    ) -> "Limits":
        """Read the limits: what is given, else the environment, else the default.

        Args:
            environ: Environment variables; empty ones count as missing.
            given: Values of flags.
            server: Take the defaults of a dashboard.

        Raises:
            StudioError: One is not a whole number, or is negative.
        """
        values = {}
        for name in means():
            came: Any = (given or {}).get(name)
            source = flag(name)
            if came is None and environ.get(variable(name)):
                came, source = environ[variable(name)], variable(name)
            if came is None:
                came = default(name, server=server)
            try:
                values[name] = int(came)
            except ValueError:
                values[name] = -1
            if values[name] < 0:
                raise StudioError(f"{source} is {came!r}; expected a whole number, or 0 for no limit.")
        return cls(**values)

    def check(self, name: str, came: float, what: str) -> None:
        """Refuse what is above a limit.

        Args:
            name: The limit.
            came: In its unit.
            what: What it is, for the message: `This network has 9,000 weights`.

        Raises:
            LimitReached: It is more.
        """
        allowed = getattr(self, name)
        if allowed and came > allowed:
            raise LimitReached(
                f"{what}; this server allows {allowed:,}. Take less, or ask whoever runs it to raise {flag(name)} "
                f"({variable(name)})."
            )


def means() -> dict[str, str]:
    """Return the meaning of each limit, by name."""
    return {each.name: each.metadata["means"] for each in fields(Limits)}


def default(name: str, *, server: bool = False) -> int:
    """Return a limit's default, of a dashboard or elsewhere."""
    [found] = [each for each in fields(Limits) if each.name == name]
    return int(found.metadata["server"]()) if server else int(getattr(Limits, name))


def shown_default(name: str) -> str:
    """Return a dashboard's default, the same on every machine."""
    [found] = [each for each in fields(Limits) if each.name == name]
    return str(found.metadata["shown"] or found.metadata["server"]() or "no limit")


def flag(name: str) -> str:
    """Return the flag of a limit."""
    return "--" + name.replace("_", "-")


def variable(name: str) -> str:
    """Return the environment variable of a limit."""
    return "CHARRNN_" + name.upper()
