"""Panel's sign of being busy: it keeps one for all pages of the process, ours do not show it.

What tidies it up every ten seconds is begun by the first page whose browser says something, but only on the thread of
the server's loop. Where that first word is heard on another thread, as Bokeh 3.10 does with events, Panel 1.10 passes
it on to the same thread again, without end: the session never ends and the server is busy with nothing else.
"""

import param
from panel.io.callbacks import PeriodicCallback
from panel.io.state import _state


class Busy(param.Parameterized):
    """Whether a page waits for the program; one for each page."""

    value = param.Boolean(default=False)


def install() -> None:
    """Have Panel not begin to tidy up: what is tidied is shown nowhere, and each later word tidies it, too."""
    if _state._busy_cleanup_scheduled is None:
        _state._busy_cleanup_scheduled = PeriodicCallback(callback=lambda: None, session_scoped=False)
