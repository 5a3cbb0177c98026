"""The dashboard: a Panel app over `charrnn.services`. No SQL, no TensorFlow, no files of its own here.

from dashboard import Dashboard  # in a notebook: Dashboard() shows the whole of it in a cell
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dashboard.notebook import Dashboard

__all__ = ["Dashboard"]


def __getattr__(name: str) -> Any:
    # Importing Panel takes seconds; the command's --help need not wait for it.
    if name == "Dashboard":
        from dashboard.notebook import Dashboard

        return Dashboard
    raise AttributeError(f"module 'dashboard' has no attribute {name!r}")
