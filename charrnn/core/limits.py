"""What whoever runs a server allows its users: every limit once, with the flag and the variable that set it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from charrnn.core.errors import LimitReached, StudioError


def _limit(default: int, means: str) -> Any:
    return field(default=default, metadata={"means": means})


@dataclass(frozen=True)
class Limits:
    """Upper limits; 0 is none."""

    max_upload_mb: int = _limit(50, "largest text that can be uploaded, in MB")
    max_parameters: int = _limit(0, "most weights that a network may have")
    max_memory_mb: int = _limit(0, "most memory that a training may need, as estimated before it starts, in MB")
    max_sample_length: int = _limit(0, "most characters that are written at once")
    max_trainings: int = _limit(0, "most trainings that run in this process at the same time")
    max_disk_mb: int = _limit(0, "most room that the texts and models of one user may take, in MB")

    @classmethod
    def read(cls, environ: Mapping[str, str], given: Mapping[str, int | None] | None = None) -> "Limits":
        """Read them: what is given, else the environment, else the default.

        Raises:
            StudioError: One is no whole number, or is negative.
        """
        values = {}
        for name in means():
            came: Any = (given or {}).get(name)
            source = flag(name)
            if came is None and environ.get(variable(name)):
                came, source = environ[variable(name)], variable(name)
            if came is None:
                continue
            try:
                values[name] = int(came)
            except ValueError:
                values[name] = -1
            if values[name] < 0:
                raise StudioError(f"{source} is {came!r}; it must be a whole number, or 0 for no limit.")
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
    """Return what each limit means, by name."""
    return {each.name: each.metadata["means"] for each in fields(Limits)}


def default(name: str) -> int:
    """Return what a limit is if nobody sets it."""
    return int(getattr(Limits, name))


def flag(name: str) -> str:
    """Return the flag of a limit."""
    return "--" + name.replace("_", "-")


def variable(name: str) -> str:
    """Return the environment variable of a limit."""
    return "CHARRNN_" + name.upper()
