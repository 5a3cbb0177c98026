"""Filter messages to a page inside a notebook cell, without losing the output of running cells.

* Panel has no hook for messages that arrive over a notebook comm. `FilteredPage` filters them before Panel reads them.
* While pyviz_comms handles a message, it redirects `sys.stdout` of the whole process. Kernels with subshells handle
  messages while a cell runs, whose output would be lost. `apply` disables the redirection.

Upstream: not reported; https://github.com/holoviz/pyviz_comms/pull/46 introduced the redirection.
Remove `StandardOutput` when pyviz_comms redirects the output of a single thread, and `FilteredPage` when Panel has a
public hook for messages from the browser.
"""

import inspect
from collections.abc import Mapping
from typing import Any

import panel as pn
import panel.ui as pui
import pyviz_comms
from bokeh.document import Document

from dashboard.patches.compatibility import require


class StandardOutput(list[str]):
    """Replaces pyviz_comms' context manager of the same name, without redirecting `sys.stdout`."""

    def __enter__(self) -> "StandardOutput":
        return self

    def __exit__(self, *error: object) -> None:
        pass


class FilteredPage(pui.Page):
    """A Material UI page with a filter for messages that arrive over a notebook comm."""

    def filter_events(self, document: Document, content: Any, sizes: Mapping[str, int]) -> list[Any] | None:
        """Return the events of a message that Panel may apply; with `None`, the default, it ignores the message.

        Args:
            document: The page.
            content: JSON content of the message.
            sizes: Number of bytes of each buffer of the message, by buffer ID.
        """
        return None

    def _on_msg(self, ref: str, manager: Any, msg: Any) -> None:
        document = pn.state._views[ref][2]
        sizes = {str(name): buffer.nbytes for name, buffer in (msg.get("_buffers") or {}).items()}
        events = self.filter_events(document, msg["content"], sizes)
        if events is not None:
            msg["content"] = {"events": events}
            super()._on_msg(ref, manager, msg)


def apply() -> None:
    """Disable the redirection."""
    handle = getattr(pyviz_comms.Comm, "_handle_msg", None)
    require(
        handle is not None and "StandardOutput" in inspect.getsource(handle),
        "pyviz_comms",
        "Comm._handle_msg uses StandardOutput",
    )
    require(
        list(inspect.signature(pui.Page._on_msg).parameters) == ["self", "ref", "manager", "msg"],
        "panel",
        "Viewable._on_msg takes ref, manager and msg",
    )
    pyviz_comms.StandardOutput = StandardOutput
