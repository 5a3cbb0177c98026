"""Run an action on the server at a click of a button, which is disabled while the action runs."""

import threading
from collections.abc import Callable
from typing import Any

import panel.ui as pui

from dashboard.live.session import Session, Task


class ActionButton(pui.Button):
    """A button with an action, disabled from the click until the action has ended.

    Set `blocked` while the action is unavailable, instead of `disabled`, which also depends on whether the action runs.

    Args:
        session: The session, which shows the errors of the action.
        action: Called after a click. If it returns a `Task`, the action ends with the task.
        busy_label: Label while the action runs; the normal label if empty.
        disabled: Initial value of `blocked`.
        params: Parameters of the button.
    """

    def __init__(
        self,
        session: Session,
        action: Callable[[], Any],
        *,
        busy_label: str = "",
        disabled: bool = False,
        **params: Any,
    ):
        super().__init__(disabled=disabled, **{"margin": 0, **params})
        self._session, self._action, self._busy_label = session, action, busy_label
        self._blocked, self._running = disabled, threading.Lock()
        self.on_click(lambda event: self.press())

    @property
    def is_running(self) -> bool:
        """Whether the action was started and has not ended."""
        return self._running.locked()

    @property
    def blocked(self) -> bool:
        """Whether the action is unavailable for another reason than running already."""
        return self._blocked

    @blocked.setter
    def blocked(self, blocked: bool) -> None:
        self._blocked = blocked
        self.param.update(disabled=blocked or self.is_running)

    def press(self) -> None:
        """Start the action, unless it makes no sense at the moment or is running."""
        if self._blocked or not self.visible or not self._running.acquire(blocking=False):
            return
        label = self.label
        self.param.update(disabled=True, label=self._busy_label or label)
        results: list[Any] = []
        self._session.report_errors(lambda: results.append(self._action()))

        def end() -> None:
            self._running.release()
            restored = {"label": label} if self._busy_label else {}
            self.param.update(disabled=self._blocked, **restored)

        if results and isinstance(results[0], Task):
            results[0].on_end(end)
        else:
            end()
