"""Make Panel's registry of links safe to read while another thread changes it.

Panel keeps the links between components of all sessions in one dictionary, and iterates over it to render a page. Pages
are built on several threads, so that "dictionary changed size during iteration" broke pages now and then.

Upstream: not reported; https://github.com/holoviz/panel/pull/7131 fixed the same defect elsewhere in Panel.
Remove when `panel.links.Callback` iterates over a copy of its registry.
"""

from typing import Any
from weakref import WeakKeyDictionary

from panel.links import Callback

from dashboard.patches.compatibility import require


class LinkRegistry(WeakKeyDictionary[Any, list[Callback]]):
    """A registry whose values can be iterated over while it changes."""

    def values(self) -> Any:
        """Return the values at the time of the call."""
        keys = [reference() for reference in self.keyrefs()]
        return [self[key] for key in keys if key is not None]


def apply() -> None:
    """Replace Panel's registry by one with the same links."""
    require(
        isinstance(getattr(Callback, "registry", None), WeakKeyDictionary),
        "panel",
        "links.Callback.registry is a WeakKeyDictionary",
    )
    if not isinstance(Callback.registry, LinkRegistry):
        Callback.registry = LinkRegistry(Callback.registry)
