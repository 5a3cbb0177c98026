"""The dashboard of Char-RNN Studio, a Panel app on top of `charrnn.services`.

In a notebook, `Dashboard()` shows it in a cell.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dashboard.notebook import Dashboard

__all__ = ["Dashboard"]


def __getattr__(name: str) -> Any:
    # Importing Panel takes seconds, which `python -m dashboard --help` does not need.
    if name == "Dashboard":
        from dashboard.notebook import Dashboard

        return Dashboard
    raise AttributeError(f"module 'dashboard' has no attribute {name!r}")
