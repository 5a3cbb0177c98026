"""Serve the dashboard with `panel serve dashboard/app.py`, for development."""

import os
import sys

import panel as pn

from charrnn.core.limits import Limits
from charrnn.services import open_services
from dashboard.server.server import Studio

UNPROTECTED = (
    "Warning: panel serve does not have the security checks of python -m dashboard: anyone who can reach this port can "
    "use the dashboard. Panel listens on all addresses of this machine unless --address 127.0.0.1 is given."
)


def _open() -> Studio:
    # Panel does not tell an application on which address it listens, so the first session always prints the warning.
    print(UNPROTECTED, file=sys.stderr, flush=True)
    return Studio.open(open_services(limits=Limits.read(os.environ, server=True)))


studio = pn.state.as_cached("char-rnn studio", _open)
studio.page().servable()
