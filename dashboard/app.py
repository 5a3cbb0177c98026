"""For `panel serve dashboard/app.py`: a page for each visitor, services once for the process."""

import os

import panel as pn

from charrnn.core.quotas import Limits
from charrnn.services import open_services
from dashboard.server.server import Studio

studio = pn.state.as_cached(
    "char-rnn studio", lambda: Studio.open(open_services(limits=Limits.read(os.environ, server=True)))
)
studio.page().servable()
