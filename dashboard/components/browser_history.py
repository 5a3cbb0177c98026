"""Follow the Back and Forward buttons of the browser."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from panel.custom import JSComponent


class BrowserHistory(JSComponent):
    """Report the query of the URL that the browser went back or forward to. Invisible, but must be on the page.

    Args:
        show: Called with the query.
    """

    _esm = Path(__file__).with_suffix(".js")

    def __init__(self, show: Callable[[Mapping[str, str]], None]):
        super().__init__(width=0, height=0, margin=0)
        self._show = show

    def _handle_msg(self, message: Any) -> None:
        self._show(dict(parse_qsl(message["search"].removeprefix("?"))))
