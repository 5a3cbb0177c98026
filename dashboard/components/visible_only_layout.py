"""Remove hidden components from a layout, since browsers lay them out too, at the same cost as visible ones."""

from typing import Any

import panel as pn


def visible_only[Layout: pn.layout.base.ListLike](layout: Layout) -> Layout:
    """Remove hidden components from a layout, and insert them again when they become visible; return the layout."""
    components: list[Any] = list(layout.objects)

    def fill(*_: Any) -> None:
        shown = [component for component in components if getattr(component, "visible", True)]
        if shown != layout.objects:
            layout.objects = shown

    for component in components:
        if hasattr(component, "visible"):
            component.param.watch(fill, "visible")
    fill()
    return layout
