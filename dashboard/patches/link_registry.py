"""Panel's links between components are kept in one dictionary of the process, which it also walks through while it
draws a page. Pages are built on several threads, so that one would change it under the other's feet."""

from typing import Any
from weakref import WeakKeyDictionary

from panel.links import Callback


class Registry(WeakKeyDictionary[Any, list[Callback]]):
    """What is walked through are the keys of one moment."""

    def values(self) -> Any:
        """Return the values of this moment."""
        keys = [reference() for reference in self.keyrefs()]
        return [self[key] for key in keys if key is not None]


def install() -> None:
    """Have Panel use one; what it knows already stays."""
    if not isinstance(Callback.registry, Registry):
        Callback.registry = Registry(Callback.registry)
