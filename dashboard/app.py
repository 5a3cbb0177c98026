"""For `panel serve dashboard/app.py`: a page for each visitor, services once for the process. For development only."""

import os
import sys

import panel as pn

from charrnn.core.quotas import Limits
from charrnn.services import open_services
from dashboard.server.server import Studio

UNPROTECTED = (
    "Warning: panel serve shows this page without the checks of python -m dashboard: anybody who reaches this port can "
    "use it. Panel listens on all addresses of this machine unless it is told --address 127.0.0.1."
)


def _open() -> Studio:
    # Panel tells an application neither where it listens nor when it begins to: once, with the first visitor, always
    print(UNPROTECTED, file=sys.stderr, flush=True)
    return Studio.open(open_services(limits=Limits.read(os.environ, server=True)))


studio = pn.state.as_cached("char-rnn studio", _open)
studio.page().servable()
