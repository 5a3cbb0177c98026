"""Declare the limits of a server, with their defaults, flags and environment variables.

On the command line and in a notebook, most limits apply only if they are set. A dashboard has defaults for most of
them, so that one user cannot take all resources. The number of concurrent trainings has the same default everywhere,
because the trainings of all processes of a machine share its slots.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from charrnn.core.errors import LimitExceeded, StudioError
from charrnn.core.system_resources import memory_bytes, num_processors

MEMORY_SHARE = 0.6
"""Share of the machine's memory that trainings may use; the rest is for the pages, generation and the system."""


def _num_slots() -> int:
    return max(2, num_processors())


def _limit(
    description: str, server: Callable[[], int], default: Callable[[], int] = lambda: 0, *, documented: str = ""
) -> Any:
    """Declare a limit.

    Args:
        description: Description for help texts and tables.
        server: Returns the default of a dashboard, which may depend on the machine.
        default: Returns the default elsewhere.
        documented: Default of a dashboard as a phrase, if it depends on the machine.
    """
    metadata = {"description": description, "server": server, "elsewhere": default, "documented": documented}
    return field(default_factory=default, metadata=metadata)


@dataclass(frozen=True)
class Limits:
    """Upper limits; 0 means no limit."""

    max_upload_mb: int = _limit("maximum size of an uploaded text, in MB", lambda: 50, lambda: 50)
    max_parameters: int = _limit("maximum parameter count of a network", lambda: 100_000_000)
    max_memory_mb: int = _limit(
        "maximum memory of all trainings that run at the same time, as estimated, in MB; others wait, and one that "
        "needs more alone is rejected",
        lambda: int(memory_bytes() * MEMORY_SHARE / 1e6),
        documented=f"{MEMORY_SHARE:.0%} of the machine or container",
    )
    max_sample_length: int = _limit("maximum number of characters generated or read at once", lambda: 100_000)
    max_log_lines: int = _limit("maximum number of log lines of a training", lambda: 1_000_000)
    max_trainings: int = _limit(
        "maximum number of trainings that run on this machine at the same time; others wait",
        _num_slots,
        _num_slots,
        documented="the number of processors, at least 2",
    )
    max_trainings_per_user: int = _limit(
        "maximum number of trainings of one user that run on this machine at the same time; others wait", lambda: 0
    )
    max_queued: int = _limit("maximum number of waiting trainings of one user", lambda: 100)
    max_disk_mb: int = _limit("maximum disk space for the texts and models of one user, in MB", lambda: 0)

    @classmethod
    def read(
        cls, environ: Mapping[str, str], given: Mapping[str, int | None] | None = None, *, server: bool = False
    ) -> "Limits":
        """Read the limits from flags or the environment; flags have priority, and defaults apply to unset limits.

        Args:
            environ: Environment variables; empty ones count as unset.
            given: Values of flags; `None` counts as unset.
            server: Use the defaults of a dashboard.

        Raises:
            StudioError: A limit is not a whole number, or is negative.
        """
        values = {}
        for name in descriptions():
            value: Any = (given or {}).get(name)
            source = flag(name)
            if value is None and environ.get(variable(name)):
                value, source = environ[variable(name)], variable(name)
            if value is None:
                value = default(name, server=server)
            try:
                values[name] = int(value)
            except ValueError:
                values[name] = -1
            if values[name] < 0:
                raise StudioError(f"{source} is {value!r}; expected a whole number, or 0 for no limit.")
        return cls(**values)

    def check(self, name: str, value: float, what: str) -> None:
        """Check a value against a limit.

        Args:
            name: The limit.
            value: The value, in the limit's unit.
            what: Beginning of the error message, e.g. `This network has 9,000 parameters`.

        Raises:
            LimitExceeded: The value is above the limit.
        """
        allowed = getattr(self, name)
        if allowed and value > allowed:
            raise LimitExceeded(
                f"{what}, but this server allows at most {allowed:,}. Reduce it, or ask the server's administrator to "
                f"raise {flag(name)} ({variable(name)})."
            )


def descriptions() -> dict[str, str]:
    """Return the description of each limit, by name."""
    return {each.name: each.metadata["description"] for each in fields(Limits)}


def default(name: str, *, server: bool = False) -> int:
    """Return the default of a limit, on a dashboard if `server`, else elsewhere."""
    [limit] = [each for each in fields(Limits) if each.name == name]
    return int(limit.metadata["server" if server else "elsewhere"]())


def documented_default(name: str) -> str:
    """Return the default of a limit on a dashboard, as a phrase that does not depend on the machine."""
    [limit] = [each for each in fields(Limits) if each.name == name]
    return str(limit.metadata["documented"] or limit.metadata["server"]() or "no limit")


def flag(name: str) -> str:
    """Return the flag of a limit."""
    return "--" + name.replace("_", "-")


def variable(name: str) -> str:
    """Return the environment variable of a limit."""
    return "CHARRNN_" + name.upper()
