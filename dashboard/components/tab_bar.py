"""Row of tabs that names the pages of a model, or the steps to a new one.

Panel's tabs report which one is active; late reports of an earlier change would open pages that the user has left. This
row reports clicks only, and shows what the server says.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent


class TabBar(JSComponent):
    """Show tabs; empty without `tabs`.

    Args:
        open_tab: Called with the name of the tab that the user chose.
    """

    tabs = param.List(default=[], doc="Pairs of a name and a title.")
    current = param.String(default="", doc="Name of the open tab.")

    _esm = Path(__file__).with_suffix(".js")
    _stylesheets = [Path(__file__).with_suffix(".css").read_text("utf-8")]

    def __init__(self, open_tab: Callable[[str], None], **params: Any):
        super().__init__(**params)
        self._open_tab = open_tab

    def _handle_msg(self, message: Any) -> None:
        if message["name"] in dict(self.tabs):  # else they have changed meanwhile
            self._open_tab(message["name"])
