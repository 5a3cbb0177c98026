"""Show a table of models, which is sorted and filtered in the browser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent


class ModelTable(JSComponent):
    """A table with one row per model.

    Args:
        choose: Called with the ID of the model whose name was clicked.
        params: Parameters of the component.
    """

    rows = param.List(default=[])
    chosen = param.String(default="", doc="ID of the chosen model.")
    compared = param.List(default=[], doc="IDs of the models that are ticked for comparison.")

    _esm = Path(__file__).with_suffix(".js")
    _stylesheets = [Path(__file__).with_suffix(".css").read_text("utf-8")]

    def __init__(self, choose: Callable[[str], None], **params: Any):
        super().__init__(**params)
        self._choose = choose

    def _handle_msg(self, message: Any) -> None:
        model_id = str(message["id"])
        if message["type"] == "choose":
            self._choose(model_id)
        else:
            others = [other for other in self.compared if other != model_id]
            self.compared = [*others, model_id] if message["on"] else others
