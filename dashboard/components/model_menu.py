"""Menu of the page: a new model, all models, and the models by what they are doing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent


class ModelMenu(JSComponent):
    """Show two entries for pages and one per model; on a narrow page, the models are folded.

    Args:
        open_page: Called with the name of the page whose entry was clicked: `new` or `models`.
        choose: Called with the ID of the model whose entry was clicked.
    """

    rows = param.List(default=[], doc="Models, each with `id`, `name`, `group`, `detail` and `percent` (-1: none).")
    current = param.String(default="", doc="`new`, `models`, or the ID of the model that the page shows.")

    _esm = Path(__file__).with_suffix(".js")
    _stylesheets = [Path(__file__).with_suffix(".css").read_text("utf-8")]

    def __init__(self, open_page: Callable[[str], None], choose: Callable[[str], None], **params: Any):
        super().__init__(**params)
        self._open_page, self._choose = open_page, choose

    def _handle_msg(self, message: Any) -> None:
        if message["type"] == "open":
            self._open_page(message["page"])
        else:
            self._choose(message["id"])
