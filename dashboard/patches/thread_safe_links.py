"""Make Panel's registry of links safe to read while another thread changes it.

Panel keeps the links between components of all sessions in one dictionary, and iterates over it to render a page. Pages
are built on several threads, so that some failed with "dictionary changed size during iteration".

Upstream: not reported; https://github.com/holoviz/panel/pull/7131 fixed the same defect elsewhere in Panel.
Remove when `panel.links.Callback` iterates over a copy of its registry.
"""

from typing import Any
from weakref import WeakKeyDictionary

from panel.links import Callback

from dashboard.patches.compatibility import require


class LinkRegistry(WeakKeyDictionary[Any, list[Callback]]):
    """A registry that can change while its values are iterated over."""

    def values(self) -> Any:
        """Return a copy of the values."""
        keys = [reference() for reference in self.keyrefs()]
        return [self[key] for key in keys if key is not None]


def apply() -> None:
    """Replace Panel's registry, and keep its links."""
    require(
        isinstance(getattr(Callback, "registry", None), WeakKeyDictionary),
        "panel",
        "links.Callback.registry is a WeakKeyDictionary",
    )
    if not isinstance(Callback.registry, LinkRegistry):
        Callback.registry = LinkRegistry(Callback.registry)
