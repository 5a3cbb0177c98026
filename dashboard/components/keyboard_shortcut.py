"""Run an action when Ctrl+Enter (on a Mac also Cmd+Enter) is pressed anywhere on the page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from panel.custom import JSComponent


class KeyboardShortcut(JSComponent):
    """Listen for Ctrl+Enter while this component is on the page. Invisible.

    Args:
        action: Called when the keys are pressed.
    """

    _esm = Path(__file__).with_suffix(".js")

    def __init__(self, action: Callable[[], Any]):
        super().__init__(width=0, height=0, margin=0)
        self._action = action

    def _handle_msg(self, message: Any) -> None:
        self._action()
