"""Layouts without what is hidden: browsers draw hidden parts too, and take as long for them as for visible ones."""

from typing import Any

import panel as pn


def sparing[Layout: pn.layout.base.ListLike](layout: Layout) -> Layout:
    """Have a layout hold those of its parts that are visible, whenever that changes; return it."""
    parts: list[Any] = list(layout.objects)

    def fill(*_: Any) -> None:
        seen = [part for part in parts if getattr(part, "visible", True)]
        if seen != layout.objects:
            layout.objects = seen

    for part in parts:
        if hasattr(part, "visible"):
            part.param.watch(fill, "visible")
    fill()
    return layout
