"""Keep hidden components out of the page: browsers lay them out too, which takes as long as for visible ones."""

from typing import Any

import panel as pn


def visible_only[Layout: pn.layout.base.ListLike](layout: Layout) -> Layout:
    """Keep only the visible components in a layout, whenever their visibility changes; return the layout."""
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
