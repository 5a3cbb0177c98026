"""The dashboard: a Panel app for `charrnn.services`.

from dashboard import Dashboard  # in a notebook, Dashboard() shows it in a cell
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dashboard.notebook import Dashboard

__all__ = ["Dashboard"]


def __getattr__(name: str) -> Any:
    # Importing Panel takes seconds, and `python -m dashboard --help` does not need it.
    if name == "Dashboard":
        from dashboard.notebook import Dashboard

        return Dashboard
    raise AttributeError(f"module 'dashboard' has no attribute {name!r}")
