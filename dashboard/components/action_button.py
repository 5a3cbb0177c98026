"""The one kind of button that does something on the server: it takes no second click while it is at work."""

import threading
from collections.abc import Callable
from typing import Any

import panel.ui as pui

from dashboard.live.session import Session, Work


class ActionButton(pui.Button):
    """A button with an action, disabled from the click until the action has ended.

    Views set `blocked` where the action makes no sense at the moment; `disabled` follows from both.

    Args:
        session: Shows what goes wrong.
        act: The action. It may return the `Work` that it began, as `Session.run` does; then it ends with that.
        busy_label: What the button says while it is at work; the same as before if empty.
    """

    def __init__(
        self,
        session: Session,
        act: Callable[[], Any],
        *,
        busy_label: str = "",
        disabled: bool = False,
        **params: Any,
    ):
        super().__init__(disabled=disabled, **{"margin": 0, **params})
        self._session, self._act, self._busy_label = session, act, busy_label
        self._blocked, self._works = disabled, threading.Lock()
        self.on_click(lambda event: self._start())

    @property
    def works(self) -> bool:
        """Whether the action was begun and has not ended."""
        return self._works.locked()

    @property
    def blocked(self) -> bool:
        """Whether there is a reason against the action, apart from its being under way."""
        return self._blocked

    @blocked.setter
    def blocked(self, blocked: bool) -> None:
        self._blocked = blocked
        self.param.update(disabled=blocked or self.works)

    def _start(self) -> None:
        if self._blocked or not self.visible or not self._works.acquire(blocking=False):
            return
        label = self.label
        self.param.update(disabled=True, label=self._busy_label or label)
        begun: list[Any] = []
        self._session.guarded(lambda: begun.append(self._act()))

        def end() -> None:
            self._works.release()
            restored = {"label": label} if self._busy_label else {}
            self.param.update(disabled=self._blocked, **restored)

        if begun and isinstance(begun[0], Work):
            begun[0].on_end(end)
        else:
            end()
