"""Detach pages from Panel's process-wide busy flag.

Panel counts the running callbacks of all sessions in `state.busy`. This causes two problems:

* `panel.ui.Page` watches the flag. The watcher keeps each closed page in memory, and each callback of any session sends
  a message to every open page. `detach` gives a page its own flag.
* The first browser event schedules a periodic cleanup of the counter. If that event arrives on a worker thread, as it
  can with Bokeh 3.10, Panel 1.10 reschedules it in an endless loop: the session never ends, and the server hangs.
  `apply` marks the cleanup as scheduled; each later event cleans up the counter anyway.

Upstream: not reported. https://github.com/holoviz/panel/issues/6709 introduced the cleanup.
Remove when `Page.busy` is per session and `state._schedule_busy_cleanup` works from any thread.
"""

import panel.ui as pui
import param
from panel.io.callbacks import PeriodicCallback
from panel.io.state import _state
from panel.util import edit_readonly

from dashboard.patches.compatibility import require


class BusyFlag(param.Parameterized):
    """The busy flag of one page, which stays false."""

    value = param.Boolean(default=False)


def apply() -> None:
    """Mark the cleanup of the busy counter as scheduled."""
    require(hasattr(_state, "_busy_cleanup_scheduled"), "panel", "state has _busy_cleanup_scheduled")
    require(pui.Page.param.busy.readonly, "panel-material-ui", "Page.busy is a read-only parameter")
    if _state._busy_cleanup_scheduled is None:
        _state._busy_cleanup_scheduled = PeriodicCallback(callback=lambda: None, session_scoped=False)


def detach(page: pui.Page) -> None:
    """Give a page its own busy flag."""
    with edit_readonly(page):
        page.busy = BusyFlag().param.value
